package bitnet.training;

/// Tokens that were given and tokens that a model drew after them.
///
/// @param prompt at least one token
/// @param response at least one token
public record PromptedText(int[] prompt, int[] response) {

  /// Checks that neither is empty.
  ///
  /// @throws IllegalArgumentException if one is
  public PromptedText {
    if (prompt.length == 0 || response.length == 0) {
      throw new IllegalArgumentException(
          "a prompt of %d tokens with a response of %d is invalid: neither may be empty"
              .formatted(prompt.length, response.length));
    }
  }

  /// Tokens that a model reads to judge the response: all but the last.
  public int inputs() {
    return prompt.length + response.length - 1;
  }

  /// The token at a position of prompt and response together.
  int token(int position) {
    return position < prompt.length ? prompt[position] : response[position - prompt.length];
  }
}
