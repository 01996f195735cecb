package bitnet.reward;

import bitnet.reward.AnswerValue.Quantity;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads a number or an expression, with its currency sign, percent sign or unit.
final class QuantityReader {
  private static final Pattern CURRENCY =
      Pattern.compile("[\u00a4\u20ac\u00a3\u00a5]|(?<![A-Z])(?:USD|US)(?![A-Za-z])");
  private static final Pattern MINUS = Pattern.compile("(?i)(?:minus|negative) ");
  private static final Pattern PERCENT = Pattern.compile(" ?(?:%|percent)$");
  private static final Pattern ORDINAL =
      Pattern.compile("^(\\d+)(?:\\^ ?\\{ ?| )?(?:st|nd|rd|th) ?}?$");
  private static final Pattern UNIT_FRACTION =
      Pattern.compile(
          " ?\\\\frac ?\\{ ?(\\p{L}+(?:\\^\\d)?) ?} ?\\{ ?(\\p{L}+(?:\\^(?:\\d|\\{\\d}))?) ?}");
  private static final Pattern GROUPED_UNIT = Pattern.compile("\\{ ?([\\p{L} ]{2,}|[mgsL]) ?}");
  private static final Pattern INNER_UNIT =
      Pattern.compile(
          "(\\\\frac ?\\{ ?[\\d.]+) ([\\p{L}]+(?:\\^\\{?\\d}?)?) ?(} ?\\{ ?[\\d.]+ ?})");
  private static final int LONGEST = 200;
  private static final String ENDS_NUMBER = "0123456789)}!. ";

  private QuantityReader() {}

  /// The quantity; empty where the text is not one.
  ///
  /// @param plain in the notation of [MathText]
  static Optional<Quantity> read(String plain) {
    return quantity(plain).filter(it -> it.expression().isDefined());
  }

  private static Optional<Quantity> quantity(String plain) {
    String text = MINUS.matcher(plain).replaceFirst("-");
    boolean negated = !text.equals(plain) && text.startsWith("-");
    text = negated ? "-" + NumberWords.inDigits(text.substring(1)) : NumberWords.inDigits(text);
    text = ORDINAL.matcher(text.replaceFirst(" \\\\Omega$", " \u03a9")).replaceFirst("$1");
    String currency = currency(text);
    text = CURRENCY.matcher(text).replaceAll("").strip();
    Matcher percent = PERCENT.matcher(text);
    if (percent.find()) {
      return ExpressionParser.parse(text.substring(0, percent.start()))
          .map(value -> new Quantity("", value, "", true));
    }
    String grouped = UNIT_FRACTION.matcher(text.replace("\\mu ", "\u00b5")).replaceAll(" $1/$2");
    grouped = GROUPED_UNIT.matcher(grouped).replaceAll(" $1");
    Matcher inner = INNER_UNIT.matcher(grouped);
    if (inner.matches()) {
      Optional<String> unit = Units.name(inner.group(2), false);
      return ExpressionParser.parse(inner.group(1) + inner.group(3))
          .flatMap(value -> unit.map(name -> new Quantity("", value, name, false)));
    }
    String numeral = text;
    return withUnit(grouped)
        .or(() -> ExpressionParser.parse(numeral).map(it -> new Quantity("", it, "", false)))
        .map(it -> it.unit().isEmpty() ? in(it, currency) : it);
  }

  private static Quantity in(Quantity value, String unit) {
    return new Quantity(value.name(), value.expression(), unit, value.percent());
  }

  private static String currency(String text) {
    return text.indexOf(MathText.DOLLAR) >= 0
        ? "dollar"
        : text.indexOf('\u20ac') >= 0 ? "euro" : text.indexOf('\u00a3') >= 0 ? "pound" : "";
  }

  /// A number and the words after it, parted where the words begin.
  private static Optional<Quantity> withUnit(String text) {
    if (text.length() > LONGEST) {
      return Optional.empty();
    }
    for (int i = 1; i < text.length(); i++) {
      boolean begins =
          Character.isLetter(text.charAt(i)) && ENDS_NUMBER.indexOf(text.charAt(i - 1)) >= 0;
      if (!begins) {
        continue;
      }
      boolean glued = text.charAt(i - 1) != ' ';
      Optional<Quantity> value = parted(text.substring(0, i).strip(), text.substring(i), glued);
      if (value.isPresent()) {
        return value;
      }
    }
    return Optional.empty();
  }

  private static Optional<Quantity> parted(String number, String words, boolean glued) {
    String[] both = words.split(" ", 2);
    Optional<Long> scale = NumberWords.scale(both[0]);
    if (scale.isPresent()) {
      return parted(number, both.length > 1 ? both[1] : "items", false)
          .map(it -> in(times(it, scale.get()), it.unit()));
    }
    Optional<String> unit = Units.name(words, glued);
    if (unit.isEmpty()) {
      return Optional.empty();
    }
    return ExpressionParser.parse(number)
        .filter(MathExpression::isConstant)
        .filter(value -> !(glued && value instanceof MathExpression.Sum))
        .map(value -> new Quantity("", value, unit.get(), false));
  }

  private static Quantity times(Quantity value, long factor) {
    MathExpression scaled =
        value
            .expression()
            .exact()
            .flatMap(MathNumber.of(factor)::times)
            .<MathExpression>map(MathExpression.Literal::new)
            .orElse(value.expression());
    return new Quantity(value.name(), scaled, value.unit(), value.percent());
  }
}
