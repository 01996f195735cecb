package bitnet.reward;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What an answer says, so that it can be compared with another one.
///
/// Equality is symmetric. Of numbers that carry neither a unit nor a percent sign it is transitive;
/// `50%` equals 50 and 0.5, `5 cm` equals 5 and not `5 m`.
sealed interface AnswerValue {

  /// A number or an expression.
  ///
  /// @param name the left side of `x = 5`; "" if there is none
  /// @param unit its name as of [Units]; "" for none
  /// @param percent whether a percent sign follows
  record Quantity(String name, MathExpression expression, String unit, boolean percent)
      implements AnswerValue {}

  /// An equation that does not only give a name to a value: left minus right side.
  record Equation(MathExpression difference) implements AnswerValue {}

  /// Parts in their order: a tuple, an interval, a ratio, a time, a row of a matrix.
  ///
  /// @param kind the brackets or the separator
  record Sequence(String kind, List<AnswerValue> parts) implements AnswerValue {
    public Sequence {
      parts = List.copyOf(parts);
    }
  }

  /// Parts in any order: a set, a list, a union of intervals.
  ///
  /// @param union whether it is a union
  record Collection(boolean union, List<AnswerValue> parts) implements AnswerValue {
    public Collection {
      parts = List.copyOf(parts);
    }
  }

  /// Anything else, without what makes no difference.
  record Words(String text) implements AnswerValue {}

  /// Whether it says something that can be computed with.
  default boolean isMathematical() {
    return switch (this) {
      case Quantity _, Equation _, Sequence _ -> true;
      case Collection list -> list.parts().stream().allMatch(AnswerValue::isMathematical);
      case Words _ -> false;
    };
  }

  /// Whether both say the same.
  default boolean isSameAs(AnswerValue other) {
    return switch (this) {
      case Quantity one -> other instanceof Quantity two && isSame(one, two);
      case Equation one ->
          other instanceof Equation two && one.difference().isMultipleOf(two.difference());
      case Sequence one ->
          other instanceof Sequence two && one.kind().equals(two.kind()) && areSame(one, two);
      case Collection one -> other instanceof Collection two && isSame(one, two);
      case Words one ->
          other instanceof Words two && !one.text().isEmpty() && one.text().equals(two.text());
    };
  }

  /// Whether an answer is the letter of the choice that another one gives in full: `(B) 12` of B.
  static boolean isChoiceOf(AnswerValue letter, AnswerValue full) {
    String choice = letter(letter);
    return !choice.isEmpty()
        && full instanceof Words(String text)
        && text.matches("(?s)\\(?" + choice + "[).:].*");
  }

  private static String letter(AnswerValue value) {
    return value instanceof Quantity quantity
            && quantity.expression() instanceof MathExpression.Variable(String name)
            && name.matches("[a-zA-Z]")
        ? name.toLowerCase(Locale.ROOT)
        : "";
  }

  private static boolean isSame(Quantity one, Quantity two) {
    boolean conflict = conflicts(one.name(), two.name()) || conflicts(one.unit(), two.unit());
    if (conflict) {
      return false;
    }
    boolean sameLetter = !letter(one).isEmpty() && letter(one).equals(letter(two));
    if (sameLetter || one.expression().isSameAs(two.expression())) {
      return true;
    }
    return one.percent() != two.percent()
        && isHundredth(one.percent() ? one : two, one.percent() ? two : one);
  }

  private static boolean conflicts(String one, String two) {
    return !one.isEmpty() && !two.isEmpty() && !one.equals(two);
  }

  private static boolean isHundredth(Quantity percentage, Quantity other) {
    Optional<MathNumber> value = percentage.expression().exact().map(MathNumber::percent);
    return value.isPresent()
        && new MathExpression.Literal(value.get()).isSameAs(other.expression());
  }

  private static boolean areSame(Sequence one, Sequence two) {
    boolean same = one.parts().size() == two.parts().size();
    for (int i = 0; same && i < one.parts().size(); i++) {
      same = one.parts().get(i).isSameAs(two.parts().get(i));
    }
    return same;
  }

  private static boolean isSame(Collection one, Collection two) {
    if (one.union() != two.union() || one.parts().size() != two.parts().size()) {
      return false;
    }
    List<AnswerValue> left = new ArrayList<>(two.parts());
    for (AnswerValue part : one.parts()) {
      int found = 0;
      while (found < left.size() && !part.isSameAs(left.get(found))) {
        found++;
      }
      if (found == left.size()) {
        return false;
      }
      left.remove(found);
    }
    return true;
  }
}
