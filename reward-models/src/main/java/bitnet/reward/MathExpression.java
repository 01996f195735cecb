package bitnet.reward;

import java.util.List;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;

/// An expression over numbers, constants, variables and functions, compared by its values.
sealed interface MathExpression {
  /// A relative difference of rounding.
  double TOLERANCE = 1e-11;

  /// A rational with more digits is a decimal approximation: it equals no irrational number.
  int MOST_DIGITS = 9;

  /// Points at which variables are evaluated, and how many of them must be in both domains.
  int POINTS = 8;

  int LEAST_POINTS = 3;

  /// A number as it was written.
  record Literal(MathNumber value) implements MathExpression {}

  /// An irrational constant: e or pi.
  record Constant(double value) implements MathExpression {}

  /// Anything with a name that stands for a value that is not known; so are i and infinity.
  record Variable(String name) implements MathExpression {}

  /// Minus the operand.
  record Negative(MathExpression operand) implements MathExpression {}

  /// A sum, or with a negative second operand a difference.
  record Sum(MathExpression left, MathExpression right) implements MathExpression {}

  /// A product.
  record Product(MathExpression left, MathExpression right) implements MathExpression {}

  /// A quotient.
  record Quotient(MathExpression left, MathExpression right) implements MathExpression {}

  /// A power.
  record Power(MathExpression base, MathExpression exponent) implements MathExpression {}

  /// A function of one operand.
  record Function(String name, DoubleUnaryOperator rule, MathExpression operand)
      implements MathExpression {}

  /// The value if that is rational and follows exactly; roots and logarithms have none.
  default Optional<MathNumber> exact() {
    return switch (this) {
      case Literal literal -> Optional.of(literal.value());
      case Constant _, Variable _, Function _ -> Optional.empty();
      case Negative negative -> negative.operand().exact().map(MathNumber::negated);
      case Sum sum -> sum.left().exact().flatMap(a -> sum.right().exact().flatMap(a::plus));
      case Product product ->
          product.left().exact().flatMap(a -> product.right().exact().flatMap(a::times));
      case Quotient quotient ->
          quotient.left().exact().flatMap(a -> quotient.right().exact().flatMap(a::dividedBy));
      case Power power ->
          power.base().exact().flatMap(a -> power.exponent().exact().flatMap(a::power));
    };
  }

  private List<MathExpression> operands() {
    return switch (this) {
      case Literal _, Constant _, Variable _ -> List.of();
      case Negative negative -> List.of(negative.operand());
      case Function function -> List.of(function.operand());
      case Sum sum -> List.of(sum.left(), sum.right());
      case Product product -> List.of(product.left(), product.right());
      case Quotient quotient -> List.of(quotient.left(), quotient.right());
      case Power power -> List.of(power.base(), power.exponent());
    };
  }

  /// Whether it has no variable.
  default boolean isConstant() {
    return !(this instanceof Variable) && operands().stream().allMatch(MathExpression::isConstant);
  }

  /// Whether a sum or a product of rational numbers is left to be computed: `12+34`, `2*3`. A
  /// number times a power of ten is scientific notation.
  default boolean isUndone() {
    boolean here =
        switch (this) {
          case Sum sum -> areRational(sum.left(), sum.right());
          case Product product ->
              areRational(product.left(), product.right()) && !isPowerOfTen(product.right());
          default -> false;
        };
    return here || operands().stream().anyMatch(MathExpression::isUndone);
  }

  private static boolean areRational(MathExpression left, MathExpression right) {
    return left.exact().isPresent() && right.exact().isPresent();
  }

  private static boolean isPowerOfTen(MathExpression factor) {
    return factor instanceof Power power
        && power.base() instanceof Literal base
        && base.value().isSameAs(MathNumber.of(10));
  }

  /// Whether it has a value: `1/0` has none.
  default boolean isDefined() {
    return !isConstant() || exact().isPresent() || Double.isFinite(at(0));
  }

  /// The value at a point, which gives every variable a value; NaN outside of the domain.
  default double at(int point) {
    return switch (this) {
      case Literal literal -> literal.value().doubleValue();
      case Constant constant -> constant.value();
      case Variable variable -> coordinate(variable.name(), point);
      case Negative negative -> -negative.operand().at(point);
      case Sum sum -> sum.left().at(point) + sum.right().at(point);
      case Product product -> product.left().at(point) * product.right().at(point);
      case Quotient quotient -> quotient.left().at(point) / quotient.right().at(point);
      case Power power -> Math.pow(power.base().at(point), power.exponent().at(point));
      case Function function -> function.rule().applyAsDouble(function.operand().at(point));
    };
  }

  /// From 0.3 to 2.3, the same for a name wherever it occurs; negative at every third point.
  private static double coordinate(String name, int point) {
    int hash = (name.hashCode() * 31 + point) * 0x9E3779B1;
    hash = (hash ^ (hash >>> 15)) * 0x85EBCA6B;
    double value = 0.3 + 2.0 * ((hash ^ (hash >>> 13)) >>> 8) / (1 << 24);
    return point % 3 == 2 ? -value : value;
  }

  /// Whether both have the same value wherever they have one, and are worked out as far: `3+4`
  /// is not the answer 7.
  default boolean isSameAs(MathExpression other) {
    return equals(other) || (isUndone() == other.isUndone() && hasValueOf(other));
  }

  private boolean hasValueOf(MathExpression other) {
    Optional<MathNumber> one = exact();
    Optional<MathNumber> two = other.exact();
    if (one.isPresent() && two.isPresent()) {
      return one.get().isSameAs(two.get());
    }
    if (isLong(one) || isLong(two) || isConstant() != other.isConstant()) {
      return false;
    }
    return isConstant()
        ? isNear(at(0), other.at(0), TOLERANCE)
        : agreesOn(other, 0) >= LEAST_POINTS;
  }

  private static boolean isLong(Optional<MathNumber> number) {
    return number.filter(it -> it.digits() > MOST_DIGITS).isPresent();
  }

  /// At how many points both have the same value; -1 if they differ at one.
  private int agreesOn(MathExpression other, int from) {
    int agreed = 0;
    for (int point = from; point < from + POINTS; point++) {
      double one = at(point);
      double two = other.at(point);
      if (Double.isFinite(one) != Double.isFinite(two)) {
        return -1;
      }
      if (Double.isFinite(one)) {
        if (!isNear(one, two, 1e3 * TOLERANCE)) {
          return -1;
        }
        agreed++;
      }
    }
    return agreed;
  }

  private static boolean isNear(double one, double two, double tolerance) {
    return Double.isFinite(one)
        && Double.isFinite(two)
        && Math.abs(one - two) <= tolerance * Math.max(Math.abs(one), Math.abs(two)) + 1e-14;
  }

  /// Whether both are zero at the same values of their variables: one is a multiple of the other.
  default boolean isMultipleOf(MathExpression other) {
    double ratio = Double.NaN;
    int agreed = 0;
    for (int point = 0; point < POINTS; point++) {
      double quotient = at(point) / other.at(point);
      if (Double.isFinite(quotient) && quotient != 0) {
        if (agreed > 0 && !isNear(quotient, ratio, 1e3 * TOLERANCE)) {
          return false;
        }
        ratio = quotient;
        agreed++;
      }
    }
    return agreed >= LEAST_POINTS;
  }
}
