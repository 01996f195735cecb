package bitnet.eval;

import bitnet.data.ReferencedCompletion;
import java.util.Optional;

/// A completion with what a reward says of it.
///
/// @param record the completion with its question
/// @param score of the reward; higher is better
/// @param extracted the final answer as it stands in the completion; empty where it has none
/// @param right whether that is the reference answer
public record ScoredRecord(
    ReferencedCompletion record, double score, Optional<String> extracted, boolean right) {}
