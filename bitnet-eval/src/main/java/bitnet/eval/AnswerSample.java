package bitnet.eval;

import java.util.List;

/// A question with what a model answered.
///
/// @param run see [Sample]
/// @param model see [Sample]
/// @param index see [Sample]
/// @param query what was asked
/// @param answer the right answer
/// @param first the answers, at least one
/// @param second the corrections, those of one first answer together; empty where none was asked
///     for
public record AnswerSample(
    String run,
    String model,
    int index,
    String query,
    String answer,
    List<ScoredCompletion> first,
    List<ScoredCompletion> second)
    implements Sample {

  /// Copies the lists.
  public AnswerSample {
    first = List.copyOf(first);
    second = List.copyOf(second);
  }
}
