package bitnet.reward;

import bitnet.reward.AnswerValue.Quantity;
import bitnet.reward.AnswerValue.Sequence;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// `x > 5` and `1 <= x < 2` as intervals.
final class Inequality {
  private static final Pattern VARIABLE = Pattern.compile("\\\\?\\p{L}+");
  private static final Pattern ONE_SIDE =
      Pattern.compile("([^<>\u2264\u2265]+)([<>\u2264\u2265])(=?)([^<>\u2264\u2265=]+)");
  private static final Pattern TWO_SIDES =
      Pattern.compile(
          "([^<>\u2264\u2265]+)([<>\u2264\u2265])(=?) ?(\\p{L}) ?([<>\u2264\u2265])(=?)([^<>\u2264\u2265=]+)");

  private Inequality() {}

  /// The interval of the variable; empty where the inequality is of another kind.
  static Optional<AnswerValue> interval(String text) {
    Matcher both = TWO_SIDES.matcher(text);
    if (both.matches()) {
      boolean rises = isLess(both.group(2));
      return rises != isLess(both.group(5))
          ? Optional.empty()
          : interval(
              rises ? both.group(1) : both.group(7),
              isClosed(both.group(rises ? 2 : 5), both.group(rises ? 3 : 6)),
              rises ? both.group(7) : both.group(1),
              isClosed(both.group(rises ? 5 : 2), both.group(rises ? 6 : 3)));
    }
    Matcher one = ONE_SIDE.matcher(text);
    if (!one.matches()) {
      return Optional.empty();
    }
    boolean left = VARIABLE.matcher(one.group(1).strip()).matches();
    if (!left && !VARIABLE.matcher(one.group(4).strip()).matches()) {
      return Optional.empty();
    }
    boolean above = left != isLess(one.group(2));
    boolean closed = isClosed(one.group(2), one.group(3));
    String end = left ? one.group(4) : one.group(1);
    return above
        ? interval(end, closed, "\\infty", false)
        : interval("-\\infty", false, end, closed);
  }

  private static boolean isLess(String sign) {
    return sign.equals("<") || sign.equals("\u2264");
  }

  private static boolean isClosed(String sign, String equals) {
    return sign.equals("\u2264") || sign.equals("\u2265") || equals.equals("=");
  }

  private static Optional<AnswerValue> interval(
      String low, boolean lowClosed, String high, boolean highClosed) {
    Optional<Quantity> from = QuantityReader.read(low.strip());
    Optional<Quantity> to = QuantityReader.read(high.strip());
    return from.isEmpty() || to.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Sequence(
                (lowClosed ? "[" : "(") + (highClosed ? "]" : ")"), List.of(from.get(), to.get())));
  }
}
