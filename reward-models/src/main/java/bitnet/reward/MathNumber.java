package bitnet.reward;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.Optional;

/// An exact rational number: `0.5`, `.50`, `1/2` and `5e-1` are one value.
///
/// Arithmetic gives nothing where a number would need more than [#MOST_BITS]: what a model writes
/// must stay cheap to compare.
///
/// @param numerator any
/// @param denominator above 0
record MathNumber(BigInteger numerator, BigInteger denominator) {
  private static final int MOST_BITS = 1 << 13;
  private static final int MOST_DIGITS = 400;
  private static final int MOST_EXPONENT = 999;

  static MathNumber of(long value) {
    return new MathNumber(BigInteger.valueOf(value), BigInteger.ONE);
  }

  /// Reads digits with a point or without, and an exponent: `12`, `.5`, `3.`, `1.5e3`.
  ///
  /// @param mantissa digits and at most one point
  /// @param exponent of ten; 0 for none
  static Optional<MathNumber> decimal(String mantissa, int exponent) {
    int point = mantissa.indexOf('.');
    String digits = point < 0 ? mantissa : mantissa.replace(".", "");
    if (digits.isEmpty() || digits.length() > MOST_DIGITS || Math.abs(exponent) > MOST_EXPONENT) {
      return Optional.empty();
    }
    int scale = exponent - (point < 0 ? 0 : mantissa.length() - point - 1);
    BigInteger ten = BigInteger.TEN.pow(Math.abs(scale));
    BigInteger value = new BigInteger(digits);
    return Optional.of(
        scale < 0
            ? new MathNumber(value, ten)
            : new MathNumber(value.multiply(ten), BigInteger.ONE));
  }

  /// A decimal whose last digits repeat for ever: `0.1` and `6` are 0.1666... = 1/6.
  ///
  /// @param mantissa digits with a point
  /// @param period the digits that repeat
  static Optional<MathNumber> repeating(String mantissa, String period) {
    int places = mantissa.length() - mantissa.indexOf('.') - 1;
    MathNumber nines = new MathNumber(BigInteger.TEN.pow(period.length()), BigInteger.ONE);
    return decimal(period, -places)
        .flatMap(it -> nines.plus(of(-1)).flatMap(it::dividedBy))
        .flatMap(it -> decimal(mantissa, 0).flatMap(it::plus));
  }

  MathNumber negated() {
    return new MathNumber(numerator.negate(), denominator);
  }

  Optional<MathNumber> plus(MathNumber other) {
    return bounded(
        numerator.multiply(other.denominator).add(other.numerator.multiply(denominator)),
        denominator.multiply(other.denominator));
  }

  Optional<MathNumber> times(MathNumber other) {
    return bounded(numerator.multiply(other.numerator), denominator.multiply(other.denominator));
  }

  Optional<MathNumber> dividedBy(MathNumber other) {
    int sign = other.numerator.signum();
    return sign == 0
        ? Optional.empty()
        : bounded(
            numerator.multiply(other.denominator).multiply(BigInteger.valueOf(sign)),
            denominator.multiply(other.numerator.abs()));
  }

  /// This to the power of a whole number.
  Optional<MathNumber> power(MathNumber exponent) {
    Optional<BigInteger> whole = exponent.whole().filter(it -> it.bitLength() <= 10);
    if (whole.isEmpty() || (isZero() && whole.get().signum() <= 0)) {
      return Optional.empty();
    }
    int times = whole.get().abs().intValue();
    long bits = Math.max(numerator.bitLength(), denominator.bitLength());
    if (bits * times > MOST_BITS) {
      return Optional.empty();
    }
    MathNumber power = new MathNumber(numerator.pow(times), denominator.pow(times));
    return whole.get().signum() < 0 ? of(1).dividedBy(power) : Optional.of(power);
  }

  private static Optional<MathNumber> bounded(BigInteger numerator, BigInteger denominator) {
    return numerator.bitLength() > MOST_BITS || denominator.bitLength() > MOST_BITS
        ? Optional.empty()
        : Optional.of(new MathNumber(numerator, denominator));
  }

  private boolean isZero() {
    return numerator.signum() == 0;
  }

  private Optional<BigInteger> whole() {
    BigInteger[] parts = numerator.divideAndRemainder(denominator);
    return parts[1].signum() == 0 ? Optional.of(parts[0]) : Optional.empty();
  }

  /// A hundredth of it.
  MathNumber percent() {
    return new MathNumber(numerator, denominator.multiply(BigInteger.valueOf(100)));
  }

  /// Whether both are one value, exactly.
  boolean isSameAs(MathNumber other) {
    return numerator.multiply(other.denominator).equals(other.numerator.multiply(denominator));
  }

  /// Rounded; infinite beyond the range.
  double doubleValue() {
    return new BigDecimal(numerator)
        .divide(new BigDecimal(denominator), MathContext.DECIMAL64)
        .doubleValue();
  }

  /// How many decimal digits the numerator and the denominator have, the longer of both.
  int digits() {
    BigInteger common = numerator.gcd(denominator).max(BigInteger.ONE);
    int bits =
        Math.max(numerator.divide(common).bitLength(), denominator.divide(common).bitLength());
    return (int) (bits * Math.log10(2)) + 1;
  }
}
