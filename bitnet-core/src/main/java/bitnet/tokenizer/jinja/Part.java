package bitnet.tokenizer.jinja;

/// A piece of a template's source.
///
/// @param kind what it is
/// @param content the text, or what stands between the braces
/// @param line of its beginning, from 1
record Part(Kind kind, String content, int line) {
  enum Kind {
    TEXT,
    /// `{{ ... }}`
    OUTPUT,
    /// `{% ... %}`
    STATEMENT
  }
}
