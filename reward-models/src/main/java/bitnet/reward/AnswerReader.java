package bitnet.reward;

import bitnet.reward.AnswerValue.Collection;
import bitnet.reward.AnswerValue.Equation;
import bitnet.reward.AnswerValue.Quantity;
import bitnet.reward.AnswerValue.Sequence;
import bitnet.reward.AnswerValue.Words;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads an answer: lists, brackets, relations, then quantities; else it is words.
final class AnswerReader {
  /// Longer texts are words: reading must stay cheap.
  private static final int LONGEST = 1000;

  private static final int DEEPEST = 8;
  private static final int MOST_PARTS = 64;

  private static final Pattern GROUPED =
      Pattern.compile("(?<![\\d.,\u066c])\\d{1,3}(?:,\\d{3})+(?![\\d\u066c])");
  private static final Pattern REMARK = Pattern.compile("(.*\\S) \\([^()]*\\p{L}{2}[^()]*\\)");
  private static final Pattern NAME =
      Pattern.compile(
          "(?:\\\\?\\p{L}+|\\p{L}\\([\\p{L}\\d]{1,3}\\)|\\p{L}'?)(?: ?_ ?(?:\\{[^{}]*}|\\w))?"
              + "|m? ?\\\\(?:angle|triangle|overline|widehat)[ {]*\\p{L}{1,3} ?}?|[\\p{L} ]{2,40}|");
  private static final Pattern SENTENCE =
      Pattern.compile("[\\p{L} ]{1,60} (?:is|are|was|equals) (\\S.*)");
  private static final Pattern RELATION = Pattern.compile("[<>\u2264\u2265]");
  private static final Pattern TIME =
      Pattern.compile("(\\d{1,2}(?: ?: ?\\d{2}){1,2}) ?(?:([ap])\\.? ?m\\.?)?");

  private AnswerReader() {}

  /// What an answer says.
  static AnswerValue read(String answer) {
    if (answer.length() > LONGEST) {
      return words(answer);
    }
    return whole(MathText.of(unmarked(answer)), 0);
  }

  /// Without the emphasis of Markdown and quotation marks around it.
  private static String unmarked(String answer) {
    String text = answer.strip();
    text = text.replaceFirst("^[\u2014\u2015] ?(?=[\\d.$\\\\])", "-");
    String inner = text.replaceAll("^(?:\\*\\*|__|`+|\")|(?:\\*\\*|__|`+|\")$", "").strip();
    return inner.isEmpty() ? text : inner.replace("**", "");
  }

  private static AnswerValue whole(String plain, int depth) {
    String text = trimmed(plain);
    if (depth > DEEPEST || text.isEmpty()) {
      return words(text);
    }
    String digits = NumberWords.inDigits(text);
    if (digits.matches("\\d+(?: \\d+/\\d+|/\\d+)?")) {
      return quantity(digits).<AnswerValue>map(it -> it).orElseGet(() -> words(text));
    }
    List<String> parts = Splitter.list(groupsMarked(text));
    return parts.size() > 1 ? collection(parts, depth) : single(text, depth);
  }

  private static String trimmed(String plain) {
    String text = plain.strip();
    while (!text.isEmpty() && ".,;:".indexOf(text.charAt(text.length() - 1)) >= 0) {
      text = text.substring(0, text.length() - 1).strip();
    }
    return text;
  }

  /// Commas between groups of three digits do not separate, outside of brackets.
  private static String groupsMarked(String text) {
    return GROUPED
        .matcher(text)
        .replaceAll(
            found ->
                Splitter.depth(text, found.start()) == 0
                    ? found.group().replace(',', MathText.DIGIT_GROUP)
                    : Matcher.quoteReplacement(found.group()));
  }

  private static AnswerValue collection(List<String> parts, int depth) {
    List<AnswerValue> values =
        parts.stream()
            .limit(MOST_PARTS + 1L)
            .map(part -> single(trimmed(part), depth + 1))
            .toList();
    return values.size() > MOST_PARTS
        ? words(String.join(",", parts))
        : new Collection(false, expanded(values));
  }

  /// With the values of a plus-minus in its place.
  private static List<AnswerValue> expanded(List<AnswerValue> values) {
    List<AnswerValue> all = new ArrayList<>();
    for (AnswerValue value : values) {
      if (value instanceof Collection inner && !inner.union()) {
        all.addAll(inner.parts());
      } else {
        all.add(value);
      }
    }
    return all;
  }

  /// An answer without a separator outside of brackets.
  private static AnswerValue single(String text, int depth) {
    if (depth > DEEPEST || text.isEmpty()) {
      return words(text);
    }
    if (Splitter.isEnclosed(text)) {
      return bracketed(text, depth);
    }
    Matcher remark = REMARK.matcher(text);
    if (remark.matches() && quantity(remark.group(1)).isPresent()) {
      return single(remark.group(1), depth + 1);
    }
    if (text.indexOf('\u00b1') >= 0) {
      return both(text, depth);
    }
    return relation(text, depth)
        .or(() -> sequenceOfNumbers(text))
        .or(() -> quantity(text))
        .orElseGet(() -> words(text));
  }

  private static AnswerValue both(String text, int depth) {
    AnswerValue plus = single(text.replace('\u00b1', '+'), depth + 1);
    AnswerValue minus = single(text.replace('\u00b1', '-'), depth + 1);
    return plus.isMathematical() && minus.isMathematical()
        ? new Collection(false, List.of(plus, minus))
        : words(text);
  }

  private static AnswerValue bracketed(String text, int depth) {
    char open = text.charAt(0);
    char close = text.charAt(text.length() - 1);
    String inner = text.substring(1, text.length() - 1);
    if (open == MathText.MATRIX) {
      return matrix(inner, depth);
    }
    List<String> parts = Splitter.commas(inner);
    if (parts.size() > MOST_PARTS) {
      return words(text);
    }
    boolean isSet = open == MathText.OPEN_SET || (open == '{' && parts.size() > 1);
    if (isSet) {
      return new Collection(false, distinct(values(parts, depth)));
    }
    if (parts.size() == 1 && (open == '{' || (open == '(' && close == ')'))) {
      return whole(inner, depth + 1);
    }
    return new Sequence("" + open + close, values(parts, depth));
  }

  private static AnswerValue matrix(String inner, int depth) {
    List<AnswerValue> rows = new ArrayList<>();
    for (String row : Splitter.split(inner, MathText.ROW)) {
      if (!row.isBlank()) {
        rows.add(new Sequence("&", values(Splitter.split(row, '&'), depth)));
      }
    }
    return new Sequence("matrix", rows);
  }

  private static List<AnswerValue> values(List<String> parts, int depth) {
    return parts.stream()
        .filter(part -> !part.isBlank())
        .map(part -> single(part.strip(), depth + 1))
        .toList();
  }

  private static List<AnswerValue> distinct(List<AnswerValue> values) {
    List<AnswerValue> distinct = new ArrayList<>();
    for (AnswerValue value : values) {
      if (distinct.stream().noneMatch(value::isSameAs)) {
        distinct.add(value);
      }
    }
    return distinct;
  }

  private static Optional<AnswerValue> relation(String text, int depth) {
    List<String> union = Splitter.split(text, '\u222a');
    if (union.size() > 1) {
      return Optional.of(new Collection(true, values(union, depth)));
    }
    List<String> member = Splitter.split(text, '\u2208');
    if (member.size() == 2 && isName(member.getFirst())) {
      return Optional.of(single(member.getLast().strip(), depth + 1));
    }
    if (RELATION.matcher(text).find()) {
      return Optional.of(Inequality.interval(text).orElseGet(() -> words(text)));
    }
    Matcher sentence = SENTENCE.matcher(text);
    if (sentence.matches() && quantity(sentence.group(1)).isPresent()) {
      return quantity(sentence.group(1)).map(it -> it);
    }
    List<String> sides = Splitter.split(text, '=');
    return sides.size() > 1 ? Optional.of(equation(text, sides, depth)) : Optional.empty();
  }

  /// `x = 5` is 5 with a name, `9*2 = 18` is 18, other equations are compared as such.
  private static AnswerValue equation(String text, List<String> sides, int depth) {
    String first = sides.getFirst().strip();
    AnswerValue last = single(sides.getLast().strip(), depth + 1);
    boolean named = isName(first);
    boolean computed =
        sides.subList(named ? 1 : 0, sides.size() - 1).stream().allMatch(AnswerReader::isConstant);
    if (computed && last.isMathematical()) {
      return last instanceof Quantity value && named
          ? new Quantity(name(first), value.expression(), value.unit(), value.percent())
          : last;
    }
    Optional<MathExpression> left = ExpressionParser.parse(first);
    Optional<MathExpression> right = ExpressionParser.parse(sides.getLast());
    return sides.size() == 2 && left.isPresent() && right.isPresent()
        ? new Equation(new MathExpression.Sum(left.get(), new MathExpression.Negative(right.get())))
        : words(text);
  }

  private static boolean isConstant(String side) {
    return quantity(side.strip()).filter(it -> it.expression().isConstant()).isPresent();
  }

  private static boolean isName(String side) {
    return NAME.matcher(side.strip()).matches();
  }

  /// Of names only letters conflict: the words `the area` are as good as `A`.
  private static String name(String side) {
    return side.replaceAll("\\(.\\)", "").matches("\\p{L}") ? side : "";
  }

  /// A ratio or a time of day: `3:4`, `5:30 p.m.`
  private static Optional<AnswerValue> sequenceOfNumbers(String text) {
    Matcher time = TIME.matcher(text.toLowerCase(Locale.ROOT));
    String numbers = time.matches() ? time.group(1) : text;
    List<String> parts = Splitter.split(numbers, ':');
    if (parts.size() < 2) {
      return Optional.empty();
    }
    List<AnswerValue> values = new ArrayList<>();
    for (String part : parts) {
      Optional<Quantity> value = quantity(part.strip());
      if (value.isEmpty()) {
        return Optional.empty();
      }
      values.add(value.get());
    }
    if (time.matches() && time.group(2) != null) {
      values.set(0, halfOfDay((Quantity) values.getFirst(), time.group(2)));
    }
    return Optional.of(new Sequence(":", values));
  }

  /// Morning and afternoon conflict as units do; an hour without either equals both.
  private static Quantity halfOfDay(Quantity hour, String half) {
    return new Quantity("", hour.expression(), half + "m", false);
  }

  private static Optional<Quantity> quantity(String text) {
    return QuantityReader.read(text);
  }

  private static Words words(String text) {
    String letters =
        text.replaceAll("(?<=\\d,?) (?=\\d)", "\u00a0") // 3 4 is not 34
            .replace(" ", "")
            .replaceAll("^\\(([A-Za-z])\\)$", "$1")
            .toLowerCase(Locale.ROOT);
    return new Words(letters.endsWith(".") ? letters.substring(0, letters.length() - 1) : letters);
  }
}
