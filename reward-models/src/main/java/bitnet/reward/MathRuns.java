package bitnet.reward;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// The numbers and expressions within prose: runs of words that hold a digit or a mathematical
/// sign, with the operators between them.
final class MathRuns {
  /// What a word says.
  private enum Kind {
    PROSE,
    LETTER,
    OPERATOR,
    CONNECTOR,
    SIGN,
    VALUE
  }

  /// A word of the text.
  ///
  /// @param start its place
  /// @param end the place behind it, before its punctuation
  /// @param closed whether punctuation ends a run here
  /// @param comma whether that is a comma
  private record Token(int start, int end, Kind kind, boolean closed, boolean comma) {}

  private static final Pattern WORD = Pattern.compile("[^\\s;\u2014]+");
  private static final Pattern REMARK =
      Pattern.compile("\\([^()\\n]{0,200}\\p{L}{2}[^()\\n]{0,200}\\)");
  private static final Pattern BOX = Pattern.compile("\\\\(?:boxed|fbox) *\\{?");
  private static final Pattern OPERATOR =
      Pattern.compile(
          "[-+*/\u00d7\u00b7\u00f7=:^<>\u2264\u2265\u00b1\u2212\u2010-\u2013\uff0d\uff0b\uff1d\u2248|]+|\\\\(?:times|cdot|div|pm)");
  private static final Pattern VALUE =
      Pattern.compile(".*[\\p{Nd}\\p{No}\\\\\u03c0\u221a\u221e{}^].*", Pattern.DOTALL);
  private static final Pattern CORE =
      Pattern.compile(
          "(?s).*[\\p{Nd}\\p{No}\u03c0\u221a\u221e].*|.*\\\\(?:pi|sqrt|infty|emptyset)\\b.*");
  /// The last run is looked for in the last characters only.
  private static final int LONGEST = 10_000;

  private static final String PUNCTUATION = ".,!?:\"'*_`";

  private final String text;
  private final List<Token> tokens = new ArrayList<>();

  private MathRuns(String text) {
    this.text = text;
    WORD.matcher(text).results().forEach(word -> tokens.add(token(word.start(), word.end())));
  }

  private Token token(int first, int last) {
    int start = first;
    int end = last;
    while (start < end && PUNCTUATION.indexOf(text.charAt(start)) >= 1) {
      start++;
    }
    boolean closed = false;
    boolean comma = false;
    while (end > start && PUNCTUATION.indexOf(text.charAt(end - 1)) >= 0) {
      comma |= text.charAt(end - 1) == ',';
      closed |= ".,!?:".indexOf(text.charAt(end - 1)) >= 0;
      end--;
    }
    if (end == start) { // an operator like : or *
      return new Token(first, last, Kind.OPERATOR, false, false);
    }
    boolean lineEnds =
        last == text.length() || text.charAt(last) == '\n' || text.charAt(last) == ';';
    return new Token(start, end, kind(text.substring(start, end)), closed || lineEnds, comma);
  }

  private static Kind kind(String word) {
    if (OPERATOR.matcher(word).matches()) {
      return Kind.OPERATOR;
    }
    if (word.length() == 1
        && Character.isLetter(word.charAt(0))
        && !VALUE.matcher(word).matches()) {
      return Kind.LETTER;
    }
    if (word.matches("(?i)and|or")) {
      return Kind.CONNECTOR;
    }
    if (word.matches("(?i)minus|negative|not|isn't|isn\u2019t|never")) {
      return Kind.SIGN;
    }
    return VALUE.matcher(word).matches() || word.matches("[^\\p{L}]*[$|!][^\\p{L}]*")
        ? Kind.VALUE
        : Kind.PROSE;
  }

  /// The last run of a text; then, if it ends a list with commas, the whole list.
  static List<String> last(String text) {
    String end = text.substring(Math.max(0, text.length() - LONGEST));
    String prose = BOX.matcher(end).replaceAll(" ");
    String plain = REMARK.matcher(prose).replaceAll(" ");
    MathRuns runs = new MathRuns(plain);
    List<int[]> all = runs.runs();
    if (all.isEmpty() && !plain.equals(prose)) {
      runs = new MathRuns(prose);
      all = runs.runs();
    }
    if (all.isEmpty()) {
      return List.of();
    }
    int[] last = all.getLast();
    int first = all.size() - 1;
    while (first > 0 && runs.isList(all.get(first - 1), all.get(first))) {
      first--;
    }
    String run = runs.text(last[0], last[1]);
    return first == all.size() - 1
        ? List.of(run)
        : List.of(run, runs.text(all.get(first)[0], last[1]));
  }

  /// The run of a text that has one only, and no word that gives it another meaning.
  static Optional<String> only(String text) {
    MathRuns runs = new MathRuns(REMARK.matcher(text).replaceAll(" "));
    List<int[]> all = runs.runs();
    return all.size() == 1
        ? Optional.of(runs.text(all.getFirst()[0], all.getFirst()[1]))
        : Optional.empty();
  }

  private String text(int first, int last) {
    return text.substring(tokens.get(first).start(), tokens.get(last).end());
  }

  private boolean isList(int[] one, int... next) {
    return one[1] + 1 == next[0] && tokens.get(one[1]).comma();
  }

  /// First and last token of each run.
  private List<int[]> runs() {
    List<int[]> runs = new ArrayList<>();
    int at = 0;
    while (at < tokens.size()) {
      if (!isMathematical(at)) {
        at++;
        continue;
      }
      int end = at;
      while (continues(end)) {
        end++;
      }
      int first = at;
      at = end + 1;
      while (first < end && !isBeginning(first)) {
        first++;
      }
      while (end > first && !isKind(end, Kind.VALUE)) {
        end--;
      }
      if (CORE.matcher(text(first, end)).matches()) {
        runs.add(new int[] {first, end});
      }
    }
    return runs;
  }

  /// Whether a run may begin here: a letter belongs to it before an operator only.
  private boolean isBeginning(int at) {
    return !isKind(at, Kind.CONNECTOR) && (!isKind(at, Kind.LETTER) || isOperator(at + 1));
  }

  /// Whether the token after this one belongs to the same run.
  private boolean continues(int at) {
    if (at + 1 >= tokens.size() || !isMathematical(at + 1)) {
      return false;
    }
    boolean joins =
        isKind(at + 1, Kind.CONNECTOR) && isKind(at, Kind.VALUE) && tokens.get(at).comma();
    return !tokens.get(at).closed() || joins;
  }

  private boolean isMathematical(int at) {
    return switch (tokens.get(at).kind()) {
      case VALUE, OPERATOR, SIGN -> true;
      case CONNECTOR -> isKind(at - 1, Kind.VALUE) && isNumeric(at + 1);
      case LETTER -> isOperator(at - 1) || isOperator(at + 1) || isTimes(at);
      case PROSE -> false;
    };
  }

  private boolean isNumeric(int at) {
    return isKind(at, Kind.VALUE) || (isOperator(at) && isKind(at + 1, Kind.VALUE));
  }

  private boolean isTimes(int at) {
    return text(at, at).equals("x") && isKind(at - 1, Kind.VALUE) && isKind(at + 1, Kind.VALUE);
  }

  private boolean isOperator(int at) {
    return isKind(at, Kind.OPERATOR);
  }

  private boolean isKind(int at, Kind kind) {
    return at >= 0 && at < tokens.size() && tokens.get(at).kind() == kind;
  }
}
