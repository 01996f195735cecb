package bitnet.eval;

/// A window of a text with how well a model foresaw it.
///
/// @param run see [Sample]
/// @param model see [Sample]
/// @param index the window
/// @param first the position in the text, in tokens, of the first token that was predicted
/// @param tokens how many were predicted
/// @param nats the sum of their losses, -ln p
public record PerplexitySample(
    String run, String model, int index, long first, int tokens, double nats) implements Sample {}
