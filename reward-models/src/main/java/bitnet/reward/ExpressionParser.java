package bitnet.reward;

import bitnet.reward.MathExpression.Constant;
import bitnet.reward.MathExpression.Function;
import bitnet.reward.MathExpression.Literal;
import bitnet.reward.MathExpression.Negative;
import bitnet.reward.MathExpression.Power;
import bitnet.reward.MathExpression.Product;
import bitnet.reward.MathExpression.Quotient;
import bitnet.reward.MathExpression.Sum;
import bitnet.reward.MathExpression.Variable;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads an expression in the notation of [MathText]: `2\sqrt{3}`, `1 1/2`, `\frac{x+1}{2}`,
/// `10^5`, `3(x-1)^2`, `\sin 2x`.
///
/// Two numbers after each other are a mixed number, if the second is a fraction, or nothing at all.
/// Words are not products of letters.
final class ExpressionParser {
  private static final int LONGEST = 400;
  private static final int DEEPEST = 60;
  private static final Pattern NUMBER =
      Pattern.compile(
          "(?:\\d{1,3}(?:,\\d{3})+(?!\\d)|\\d{1,3}(?:\u066c\\d{3})+(?!\\d)"
              + "|\\d{1,3}(?: \\d{3})+(?![\\d/]| /)|\\d+)(?:\\.\\d*)?|\\.\\d+");
  private static final Pattern PERIOD = Pattern.compile("\\\\overline ?\\{ ?(\\d{1,20}) ?}");
  private static final Pattern EXPONENT = Pattern.compile("[eE]([-+]?\\d{1,4})(?![\\d.])");
  private static final Pattern PROPER =
      Pattern.compile(
          "(\\d+) ?/ ?(\\d+)(?![\\d.])|\\\\frac ?(?:\\{ ?(\\d+) ?}|(\\d)) ?(?:\\{ ?(\\d+) ?}|(\\d))");
  private static final Set<String> SHORT_WORDS =
      Set.of(
          "it", "is", "so", "we", "be", "or", "if", "of", "to", "in", "on", "at", "by", "my", "no",
          "do", "go", "he", "me", "us", "up", "am", "an", "as");
  private static final Set<String> NAMES =
      Set.of(
          "alpha",
          "beta",
          "gamma",
          "delta",
          "epsilon",
          "zeta",
          "eta",
          "theta",
          "iota",
          "kappa",
          "lambda",
          "mu",
          "nu",
          "xi",
          "rho",
          "sigma",
          "tau",
          "phi",
          "chi",
          "psi",
          "omega",
          "Gamma",
          "Delta",
          "Theta",
          "Lambda",
          "Sigma",
          "Phi",
          "Psi",
          "Omega",
          "infty",
          "ell",
          "hbar",
          "emptyset");

  /// The text is not an expression.
  private static final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Fault() {
      super("not an expression", null, false, false); // without the cost of a stack trace
    }
  }

  private final String text;
  private int at;
  private int depth;

  /// The end of the letters that were taken for a product.
  private int productEnd;

  private ExpressionParser(String text) {
    this.text = text;
  }

  /// The expression; empty where the text is not one.
  static Optional<MathExpression> parse(String plain) {
    if (plain.isBlank() || plain.length() > LONGEST || plain.matches("[\\p{L} ]{2,}")) {
      return Optional.empty();
    }
    ExpressionParser parser = new ExpressionParser(plain);
    try {
      MathExpression whole = parser.sum();
      return parser.next() == 0 ? Optional.of(whole) : Optional.empty();
    } catch (Fault none) {
      return Optional.empty();
    }
  }

  private MathExpression sum() {
    if (++depth > DEEPEST) {
      throw new Fault();
    }
    MathExpression left = product();
    while (next() == '+' || next() == '-') {
      boolean minus = text.charAt(at++) == '-';
      MathExpression right = product();
      left = new Sum(left, minus ? new Negative(right) : right);
    }
    depth--;
    return left;
  }

  private MathExpression product() {
    MathExpression left = signed();
    while (true) {
      char next = next();
      if (next == '*' || next == '/') {
        at++;
        MathExpression right = signed();
        left = next == '*' ? new Product(left, right) : new Quotient(left, right);
      } else if (beginsFactor(next)) {
        left = new Product(left, postfix());
      } else {
        return left;
      }
    }
  }

  /// What may follow a factor without a sign in between: anything but a number.
  private static boolean beginsFactor(char next) {
    return Character.isLetter(next) || next == '\\' || next == '(' || next == '{' || next == '[';
  }

  private MathExpression signed() {
    boolean minus = false;
    int signs = 0;
    while (next() == '-' || next() == '+') {
      minus ^= text.charAt(at++) == '-';
      if (++signs > 2) {
        throw new Fault();
      }
    }
    MathExpression operand = postfix();
    return minus ? new Negative(operand) : operand;
  }

  private MathExpression postfix() {
    if (++depth > DEEPEST) {
      throw new Fault();
    }
    MathExpression value = primary();
    while (true) {
      char next = next();
      if (next == '^') {
        at++;
        value = new Power(value, exponent());
      } else if (next == '!') {
        at++;
        value = MathFunctions.factorial(value);
      } else {
        depth--;
        return value;
      }
    }
  }

  private MathExpression exponent() {
    if (next() == '-') {
      at++;
      return new Negative(exponent());
    }
    Matcher digits = Pattern.compile("\\d+").matcher(text).region(at, text.length());
    if (digits.lookingAt()) {
      at = digits.end();
      return literal(digits.group(), 0);
    }
    return primary();
  }

  private MathExpression primary() {
    char next = next();
    if (Character.isDigit(next) || next == '.') {
      return number();
    }
    return switch (next) {
      case '(' -> group(')');
      case '[' -> group(']');
      case '{' -> group('}');
      case '|' -> new Function("abs", Math::abs, group('|'));
      case '\\' -> macro();
      default -> {
        if (!Character.isLetter(next)) {
          throw new Fault();
        }
        yield letters();
      }
    };
  }

  private MathExpression group(char close) {
    at++;
    MathExpression inside = sum();
    if (next() != close) {
      throw new Fault();
    }
    at++;
    return inside;
  }

  private MathExpression number() {
    Matcher number = NUMBER.matcher(text).region(at, text.length());
    number.useTransparentBounds(true);
    if (!number.lookingAt()) {
      throw new Fault();
    }
    at = number.end();
    String digits = number.group().replaceAll("[, \u066c]", "");
    Matcher power = EXPONENT.matcher(text).region(at, text.length());
    power.useTransparentBounds(true);
    if (power.lookingAt()) {
      at = power.end();
      return literal(digits, Integer.parseInt(power.group(1)));
    }
    if (at < text.length() && text.charAt(at) == '_') { // of another base
      return new Variable(digits + subscript());
    }
    Matcher period = PERIOD.matcher(text).region(at, text.length());
    if (digits.contains(".") && period.lookingAt()) {
      at = period.end();
      return new Literal(MathNumber.repeating(digits, period.group(1)).orElseThrow(Fault::new));
    }
    MathExpression whole = literal(digits, 0);
    return digits.contains(".") ? whole : mixed(whole);
  }

  private static Literal literal(String digits, int exponent) {
    return new Literal(MathNumber.decimal(digits, exponent).orElseThrow(Fault::new));
  }

  /// `1 1/2` and `1\frac{1}{2}` are one number. A number may not follow another in another way.
  private MathExpression mixed(MathExpression whole) {
    int end = at;
    boolean blank = next() != 0 && at > end;
    Matcher part = PROPER.matcher(text).region(at, text.length());
    part.useTransparentBounds(true);
    if (part.lookingAt() && (blank || text.charAt(at) == '\\')) {
      at = part.end();
      String top = first(part, 1, 3, 4);
      String bottom = first(part, 2, 5, 6);
      return literal(bottom, 0)
          .value()
          .power(MathNumber.of(-1))
          .flatMap(literal(top, 0).value()::times)
          .flatMap(value -> whole.exact().flatMap(value::plus))
          .map(Literal::new)
          .orElseThrow(Fault::new);
    }
    return whole;
  }

  private static String first(Matcher match, int... groups) {
    for (int group : groups) {
      if (match.group(group) != null) {
        return match.group(group);
      }
    }
    throw new Fault();
  }

  private MathExpression macro() {
    int start = ++at;
    while (at < text.length() && Character.isLetter(text.charAt(at))) {
      at++;
    }
    String name = text.substring(start, at);
    if (name.equals("frac")) {
      MathExpression top = argument();
      return new Quotient(top, argument());
    }
    if (name.equals("sqrt")) {
      return next() == '[' ? root(group(']')) : new Function("sqrt", Math::sqrt, argument());
    }
    if (NAMES.contains(name)) {
      return new Variable(name + subscript());
    }
    return named(name).orElseThrow(Fault::new);
  }

  private MathExpression root(MathExpression degree) {
    return new Power(argument(), new Quotient(new Literal(MathNumber.of(1)), degree));
  }

  /// Braces, or one character.
  private MathExpression argument() {
    char next = next();
    if (!Character.isDigit(next)) {
      return primary();
    }
    at++;
    return literal("" + next, 0);
  }

  private Optional<MathExpression> named(String name) {
    if (name.equals("pi")) {
      return Optional.of(new Constant(Math.PI));
    }
    DoubleUnaryOperator rule = MathFunctions.BY_NAME.get(name);
    return rule == null ? Optional.empty() : Optional.of(function(name, rule));
  }

  /// `\sin^2 x`, `\log_2 8`, `\ln(x+1)`, `\sin 2x`.
  private MathExpression function(String name, DoubleUnaryOperator rule) {
    Optional<MathExpression> base = Optional.empty();
    if (name.equals("log") && next() == '_') {
      at++;
      base = Optional.of(exponent());
    }
    Optional<MathExpression> power = Optional.empty();
    if (next() == '^') {
      at++;
      power = Optional.of(exponent());
    }
    MathExpression operand = operand();
    MathExpression value =
        base.<MathExpression>map(
                it ->
                    new Quotient(
                        new Function("ln", Math::log, operand), new Function("ln", Math::log, it)))
            .orElseGet(() -> new Function(name, rule, operand));
    return power.<MathExpression>map(it -> new Power(value, it)).orElse(value);
  }

  private MathExpression operand() {
    char next = next();
    if (next == '(' || next == '{') {
      return primary();
    }
    MathExpression operand = postfix();
    while (Character.isLetter(next()) || text.startsWith("\\pi", at)) {
      operand = new Product(operand, postfix());
    }
    return operand;
  }

  private MathExpression letters() {
    int start = at;
    while (at < text.length() && Character.isLetter(text.charAt(at))) {
      at++;
    }
    String run = text.substring(start, at);
    Optional<MathExpression> named = named(run);
    if (named.isPresent()) {
      return named.get();
    }
    boolean glued = start > 0 && "0123456789)}".indexOf(text.charAt(start - 1)) >= 0;
    boolean prose = !glued && SHORT_WORDS.contains(run.toLowerCase(Locale.ROOT));
    if (prose || (start >= productEnd && run.length() > (glued ? 4 : 2))) {
      throw new Fault();
    }
    productEnd = at;
    at = start + 1;
    String name = run.substring(0, 1);
    return name.equals("e") ? new Constant(Math.E) : new Variable(name + subscript());
  }

  /// What makes a name of its own out of a letter: `_1`, `_{max}` and primes.
  private String subscript() {
    Matcher mark =
        Pattern.compile("(?:_(?:\\{[^{}]*}|[\\p{L}\\d]))?'*")
            .matcher(text)
            .region(at, text.length());
    if (!mark.lookingAt()) {
      return "";
    }
    at = mark.end();
    return mark.group().replaceAll("[{} ]", "");
  }

  /// The next character that is not a blank; 0 at the end.
  private char next() {
    while (at < text.length() && text.charAt(at) == ' ') {
      at++;
    }
    return at < text.length() ? text.charAt(at) : 0;
  }
}
