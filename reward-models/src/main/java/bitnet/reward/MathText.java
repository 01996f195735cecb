package bitnet.reward;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// An answer in one plain notation: LaTeX that only sets a text is taken away, LaTeX and Unicode
/// spellings of one sign become one character.
///
/// What stays of LaTeX: `\frac`, `\sqrt`, functions, Greek letters, braces. Set braces become
/// [#OPEN_SET] and [#CLOSE_SET], a comma that only groups digits (`{,}`) becomes
/// [#DIGIT_GROUP], `\$` becomes [#DOLLAR]; a bare dollar sign is taken for a delimiter.
final class MathText {
  static final char OPEN_SET = '\u2983';
  static final char CLOSE_SET = '\u2984';
  static final char DIGIT_GROUP = '\u066c';
  static final char DOLLAR = '\u00a4';

  /// Begins the rows of a matrix, parts them, ends them.
  static final char MATRIX = '\u27e6';

  static final char END_MATRIX = '\u27e7';
  static final char ROW = '\u241e';

  private static final Map<String, String> MACROS = macros();
  private static final Map<Character, String> SIGNS = signs();
  private static final Set<String> TEXTS =
      Set.of(
          "text",
          "textbf",
          "textit",
          "textrm",
          "textnormal",
          "mathrm",
          "mathbf",
          "mathit",
          "mathsf",
          "mathbb",
          "mathcal",
          "mbox",
          "hbox",
          "operatorname",
          "boldsymbol",
          "bm",
          "boxed",
          "fbox");
  private static final Set<String> SKIPPED_WITH_ARGUMENT =
      Set.of("hspace", "vspace", "phantom", "color", "textcolor");
  private static final String SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  private static final int DEEPEST = 8;

  private final String text;
  private final int depth;
  private final StringBuilder plain = new StringBuilder();
  private int at;

  private MathText(String text, int depth) {
    this.text = text;
    this.depth = depth;
  }

  private static Map<String, String> macros() {
    Map<String, String> macros = new HashMap<>();
    putAll(macros, "", "left right middle big Big bigg Bigg bigl bigr Bigl Bigr displaystyle");
    putAll(macros, "", "textstyle limits rm bf it !");
    putAll(macros, " ", ", ; : > quad qquad space thinspace enspace ( ) [ ] \\ therefore");
    macros.put(" ", " ");
    putAll(macros, "\\frac", "frac dfrac tfrac cfrac");
    putAll(macros, "*", "cdot times ast");
    putAll(macros, "/", "div");
    putAll(macros, "\u2264", "le leq leqslant");
    putAll(macros, "\u2265", "ge geq geqslant");
    putAll(macros, "\u2260", "ne neq");
    putAll(macros, "<", "lt");
    putAll(macros, ">", "gt");
    putAll(macros, "|", "| vert lvert rvert mid");
    putAll(macros, "\u00b1", "pm");
    putAll(macros, "\u222a", "cup");
    putAll(macros, "\u2208", "in");
    putAll(macros, "=", "approx approxeq simeq");
    putAll(macros, "\\phi", "varphi phi");
    putAll(macros, "\\epsilon", "varepsilon epsilon");
    putAll(macros, "\\emptyset", "emptyset varnothing");
    putAll(macros, "" + OPEN_SET, "{ lbrace");
    putAll(macros, "" + CLOSE_SET, "} rbrace");
    putAll(macros, "[", "lbrack");
    putAll(macros, "]", "rbrack");
    putAll(macros, "(", "langle lparen");
    putAll(macros, ")", "rangle rparen");
    putAll(macros, "%", "%");
    putAll(macros, " degrees ", "degree");
    putAll(macros, "" + DOLLAR, "$");
    putAll(macros, "\u20ac", "euro");
    putAll(macros, "\u00a3", "pounds");
    putAll(macros, "\u2026", "ldots dots cdots");
    putAll(macros, "_", "_");
    return Map.copyOf(macros);
  }

  private static void putAll(Map<String, String> map, String plain, String names) {
    for (String name : names.split(" ", -1)) {
      map.put(name, plain);
    }
  }

  private static Map<Character, String> signs() {
    Map<Character, String> signs = new HashMap<>();
    "\u2212\u2010\u2011\u2012\u2013\ufe63".chars().forEach(it -> signs.put((char) it, "-"));
    "\u00d7\u00b7\u22c5\u2219\u2217".chars().forEach(it -> signs.put((char) it, "*"));
    "\u00f7\u2044\u2215".chars().forEach(it -> signs.put((char) it, "/"));
    "\u200b\u200c\u200d\u2060\ufeff\u2062".chars().forEach(it -> signs.put((char) it, ""));
    "\u2018\u2019".chars().forEach(it -> signs.put((char) it, "'"));
    "\u201c\u201d".chars().forEach(it -> signs.put((char) it, "\""));
    signs.put('\u03c0', "\\pi ");
    signs.put('\u221e', "\\infty ");
    signs.put('\u2205', "\\emptyset ");
    signs.put('\u00b0', " degrees ");
    signs.put('\u00ba', " degrees ");
    signs.put('\u2a7d', "\u2264");
    signs.put('\u2a7e', "\u2265");
    signs.put('\u2236', ":");
    signs.put('$', " ");
    signs.put('~', " ");
    signs.put('\u2248', "=");
    String[] fractions = {
      "\u00bd1/2", "\u00bc1/4", "\u00be3/4", "\u21531/3", "\u21542/3", "\u21551/5", "\u21562/5",
      "\u21573/5", "\u21584/5", "\u21591/6", "\u215a5/6", "\u215b1/8", "\u215c3/8", "\u215d5/8",
      "\u215e7/8", "\u21501/7", "\u21511/9", "\u21521/10"
    };
    for (String fraction : fractions) {
      signs.put(fraction.charAt(0), " " + fraction.substring(1) + " ");
    }
    return Map.copyOf(signs);
  }

  /// The plain notation of an answer, with single spaces.
  static String of(String text) {
    String plain = new MathText(text, 0).read().replaceAll("\\s+", " ").replaceAll(" ?\\^ ?", "^");
    return plain.replaceAll("(?<=[\\d)]) x (?=[\\d(])", " * ").strip();
  }

  private String read() {
    while (at < text.length()) {
      char character = text.charAt(at);
      if (character == '\\') {
        macro();
      } else if (text.startsWith("{,}", at) || text.startsWith(",\\!", at)) {
        plain.append(DIGIT_GROUP);
        at += 3;
      } else if (text.startsWith("{:}", at)) {
        plain.append(':');
        at += 3;
      } else if (character == '^' && isCircle()) {
        plain.append(" degrees ");
      } else if (SUPERSCRIPTS.indexOf(character) >= 0 || character == '\u207b') {
        superscript();
      } else if (character == '\u221a') {
        root();
      } else {
        plain.append(folded(character));
        at++;
      }
    }
    return plain.toString();
  }

  /// Digits of all scripts and full-width signs become those of ASCII.
  private static String folded(char character) {
    String sign = SIGNS.get(character);
    if (sign != null) {
      return sign;
    }
    if (character > 0x7f && Character.isDigit(character)) {
      return "" + Character.digit(character, 10);
    }
    if (character >= '\uff01' && character <= '\uff5e') {
      char ascii = (char) (character - 0xfee0);
      return SIGNS.getOrDefault(ascii, "" + ascii);
    }
    return Character.isSpaceChar(character) ? " " : "" + character;
  }

  private boolean isCircle() {
    for (String circle : new String[] {"^\\circ", "^{\\circ}", "^{ \\circ }", "^\\degree", "^°"}) {
      if (text.startsWith(circle, at)) {
        at += circle.length();
        return true;
      }
    }
    return false;
  }

  private void superscript() {
    plain.append("^{");
    while (at < text.length()) {
      int digit = SUPERSCRIPTS.indexOf(text.charAt(at));
      if (digit < 0 && text.charAt(at) != '\u207b') {
        break;
      }
      plain.append(digit < 0 ? "-" : "" + digit);
      at++;
    }
    plain.append('}');
  }

  /// The sign of the root holds over all digits that follow it, `\sqrt` over the first only.
  private void root() {
    at++;
    int start = at;
    while (at < text.length() && Character.isDigit(text.charAt(at))) {
      at++;
    }
    plain.append("\\sqrt");
    plain.append(at > start ? "{" + text.substring(start, at) + "}" : "");
  }

  private void macro() {
    int start = ++at;
    while (at < text.length() && isAscii(text.charAt(at))) {
      at++;
    }
    if (at == start && at < text.length()) {
      at++;
    }
    String name = text.substring(start, at);
    if (TEXTS.contains(name)) {
      plain.append(' ').append(argument()).append(' ');
    } else if (SKIPPED_WITH_ARGUMENT.contains(name)) {
      argument();
      plain.append(' ');
    } else if (name.equals("begin") || name.equals("end")) {
      environment(name.equals("begin"));
    } else {
      plain.append(MACROS.getOrDefault(name, "\\" + name));
    }
  }

  private static boolean isAscii(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
  }

  /// The content of the braces that follow, in plain notation; nothing where there are none.
  private String argument() {
    int open = at;
    while (open < text.length() && text.charAt(open) == ' ') {
      open++;
    }
    if (open == text.length() || text.charAt(open) != '{') {
      return "";
    }
    int level = 0;
    for (int end = open; end < text.length(); end++) {
      char character = text.charAt(end);
      if (character == '\\') {
        end++;
      } else if (character == '{') {
        level++;
      } else if (character == '}' && --level == 0) {
        at = end + 1;
        String content = text.substring(open + 1, end);
        return depth < DEEPEST ? new MathText(content, depth + 1).read() : content;
      }
    }
    return "";
  }

  /// `\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}`, whatever its brackets.
  private void environment(boolean begins) {
    String name = argument().strip();
    if (!name.matches("[bpvBV]?matrix|smallmatrix|array")) {
      plain.append(' ');
      return;
    }
    if (!begins) {
      plain.append(END_MATRIX);
      return;
    }
    if (name.equals("array")) {
      argument(); // the columns
    }
    plain.append(MATRIX);
    int end = text.indexOf("\\end{", at);
    if (end > at) {
      String rows = text.substring(at, end).replace("\\\\", "" + ROW);
      plain.append(depth < DEEPEST ? new MathText(rows, depth + 1).read() : rows);
      at = end;
    }
  }
}
