package bitnet.tokenizer.jinja;

/// A template that cannot be rendered: it is damaged, fails as it would in Python, or uses a
/// construct that is not supported, which the message names.
public final class JinjaException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// @param message one line
  public JinjaException(String message) {
    super(message);
  }

  /// What Python has and this package lacks.
  static JinjaException unsupported(String construct) {
    return new JinjaException(construct + " is not supported");
  }
}
