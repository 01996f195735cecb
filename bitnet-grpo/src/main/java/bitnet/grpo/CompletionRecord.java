package bitnet.grpo;

/// An answer of a step, for a log or for people.
///
/// @param step in which it was drawn, from 1
/// @param layer 1, or 2 for a correction
/// @param query what was asked
/// @param reference the right answer
/// @param first the answer that a correction corrects; empty in layer 1
/// @param completion the answer
/// @param reward its weighted reward
/// @param right whether its final answer is the reference
/// @param truncated whether it was cut off
public record CompletionRecord(
    long step,
    int layer,
    String query,
    String reference,
    String first,
    String completion,
    double reward,
    boolean right,
    boolean truncated) {}
