package bitnet.data;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The answer that a mathematical text marks with `\boxed{...}`, `\boxed {...}`, `\boxed 5` or
/// `\fbox{...}`, as the published solutions of MATH do.
public final class BoxedAnswer {
  private static final Pattern MACRO =
      Pattern.compile("\\\\(?:boxed|fbox|framebox)(?![a-zA-Z])\\s*");

  /// Where an answer without braces ends: with the mathematics, the line or the sentence.
  private static final Pattern END =
      Pattern.compile("\\$|\\\\[)\\]]|\\R|[.,;:](?=\\s|$)|\\s+(?=\\p{L}{2})");

  private BoxedAnswer() {}

  /// The content of the last box, inner braces included; empty if the text has no box or its braces
  /// never close.
  public static Optional<String> last(String text) {
    Matcher macro = MACRO.matcher(text);
    int content = -1;
    while (macro.find()) {
      content = macro.end();
    }
    if (content < 0) {
      return Optional.empty();
    }
    if (content < text.length() && text.charAt(content) == '{') {
      return braced(text, content).map(BoxedAnswer::withoutDelimiters);
    }
    Matcher end = END.matcher(text).region(content, text.length());
    String bare = text.substring(content, end.find() ? end.start() : text.length()).strip();
    return Optional.of(bare).filter(answer -> !answer.isEmpty());
  }

  private static Optional<String> braced(String text, int open) {
    int depth = 0;
    for (int at = open; at < text.length(); at++) {
      char character = text.charAt(at);
      if (character == '\\') {
        at++; // \{ and \} are text
      } else if (character == '{') {
        depth++;
      } else if (character == '}' && --depth == 0) {
        return Optional.of(text.substring(open + 1, at).strip());
      }
    }
    return Optional.empty();
  }

  /// `\fbox{$...$}` holds text, in which mathematics has delimiters.
  private static String withoutDelimiters(String content) {
    boolean delimited =
        content.length() > 2
            && content.startsWith("$")
            && content.indexOf('$', 1) == content.length() - 1;
    return delimited ? content.substring(1, content.length() - 1).strip() : content;
  }
}
