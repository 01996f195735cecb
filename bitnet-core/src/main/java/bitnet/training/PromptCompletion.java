package bitnet.training;

/// The tokens of a prompt and of a completion that a model generated for it.
public interface PromptCompletion {

  /// The prompt, at least one token.
  int[] prompt();

  /// The completion, at least one token.
  int[] completion();

  /// For each completion token the tokens that sampling filters had kept when it was drawn, in
  /// ascending order: probabilities are then those among the candidates. Empty for a completion
  /// whose tokens were drawn from the whole vocabulary.
  default int[][] candidates() {
    return new int[0][];
  }

  /// Tokens that a model reads to score the completion: all but the last.
  default int inputs() {
    return prompt().length + completion().length - 1;
  }

  /// The token at a position of prompt and completion together.
  default int token(int position) {
    int length = prompt().length;
    return position < length ? prompt()[position] : completion()[position - length];
  }
}
