package bitnet.data;

/// Which tokens of a training text a model learns to predict.
public enum LossMask {
  /// All: none is masked.
  NONE,
  /// Of a question with its answer the answer alone: the prompt of [QaTemplate] is only read.
  PROMPTS
}
