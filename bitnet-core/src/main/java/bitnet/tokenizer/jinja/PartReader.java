package bitnet.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Cuts a template into its parts by Jinja2's rules of white space, with `trim_blocks` and
/// `lstrip_blocks` as transformers sets them.
final class PartReader {
  private static final Pattern OPENING = Pattern.compile("\\{[{%#]");
  private static final Pattern ENDRAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%\\}");

  private final String source;
  private final List<Part> parts = new ArrayList<>();
  private String text = "";
  private boolean lineStarts = true;
  private int at;
  private int counted;
  private int line = 1;

  private PartReader(String source) {
    this.source = source;
  }

  /// The parts of a template; comments are left out.
  ///
  /// @throws JinjaException if a tag is not closed, naming its line
  static List<Part> read(String template) {
    String unix = template.replace("\r\n", "\n").replace('\r', '\n');
    return new PartReader(unix.endsWith("\n") ? unix.substring(0, unix.length() - 1) : unix).read();
  }

  private List<Part> read() {
    Matcher opening = OPENING.matcher(source);
    while (opening.find(at)) {
      text += source.substring(at, opening.start());
      readTag(opening.start());
    }
    text += source.substring(at);
    addText();
    return parts;
  }

  /// The line of a position, which is not before that of the last call.
  private int line(int position) {
    for (; counted < position; counted++) {
      line += source.charAt(counted) == '\n' ? 1 : 0;
    }
    return line;
  }

  private void addText() {
    if (!text.isEmpty()) {
      parts.add(new Part(Part.Kind.TEXT, text, line));
      text = "";
    }
  }

  private void readTag(int start) {
    char kind = source.charAt(start + 1);
    String closing = kind == '{' ? "}}" : kind + "}";
    int end = kind == '#' ? source.indexOf(closing, start + 2) : end(start + 2, closing);
    if (end < 0) {
      throw new JinjaException(
          "line %d: a tag is not closed with %s".formatted(line(start), closing));
    }
    int from = isMark(source.charAt(start + 2)) ? start + 3 : start + 2;
    int to = end > from && isMark(source.charAt(end - 1)) ? end - 1 : end;
    endText(kind, source.charAt(start + 2));
    String content = source.substring(from, to).strip();
    boolean raw = kind == '%' && content.equals("raw");
    if (kind != '#' && !raw) {
      Part.Kind type = kind == '{' ? Part.Kind.OUTPUT : Part.Kind.STATEMENT;
      parts.add(new Part(type, content, line(start)));
    }
    at = end + 2;
    beginText(kind, to < end ? source.charAt(to) : ' ');
    if (raw) {
      readRaw();
    }
  }

  private static boolean isMark(char c) {
    return c == '-' || c == '+';
  }

  /// What is between `raw` and `endraw` is text, whatever it looks like.
  private void readRaw() {
    Matcher end = ENDRAW.matcher(source);
    if (!end.find(at)) {
      throw new JinjaException("{% raw %} is not closed with {% endraw %}");
    }
    text += source.substring(at, end.start());
    endText('%', end.group(1).isEmpty() ? ' ' : end.group(1).charAt(0));
    at = end.end();
    beginText('%', end.group(2).isEmpty() ? ' ' : end.group(2).charAt(0));
  }

  /// The text before a tag loses the blanks that the tag's opening takes away.
  private void endText(char kind, char mark) {
    if (mark == '-') {
      text = text.stripTrailing();
    } else if (mark != '+' && kind != '{') {
      int line = text.lastIndexOf('\n') + 1;
      if ((line > 0 || lineStarts) && text.substring(line).isBlank()) {
        text = text.substring(0, line);
      }
    }
    addText();
  }

  /// The text after a tag begins behind the white space that the tag's end takes away.
  private void beginText(char kind, char mark) {
    int begin = at;
    if (mark == '-') {
      while (at < source.length() && Character.isWhitespace(source.charAt(at))) {
        at++;
      }
    } else if (mark != '+' && kind != '{' && source.startsWith("\n", at)) {
      at++;
    }
    lineStarts = at > begin && source.charAt(at - 1) == '\n';
  }

  /// The next closing that is neither in a string nor inside brackets.
  private int end(int from, String closing) {
    char quote = 0;
    int depth = 0;
    for (int i = from; i < source.length(); i++) {
      char c = source.charAt(i);
      if (quote != 0) {
        if (c == '\\') {
          i++;
        } else if (c == quote) {
          quote = 0;
        }
      } else if (depth == 0 && source.startsWith(closing, i)) {
        return i;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '(' || c == '[' || c == '{') {
        depth++;
      } else if (c == ')' || c == ']' || c == '}') {
        depth = Math.max(0, depth - 1);
      }
    }
    return -1;
  }
}
