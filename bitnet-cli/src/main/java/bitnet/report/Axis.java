package bitnet.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// The round numbers along one side of a plot.
///
/// @param low the least value of the side
/// @param high the greatest
/// @param step between two ticks: 1, 2 or 5 times a power of ten
record Axis(double low, double high, double step) {

  /// The least part of their magnitude over which values are spread out.
  private static final double FLAT = 0.01;

  /// An axis that ends on ticks.
  ///
  /// @param least of the values
  /// @param most of the values
  /// @param wanted about so many ticks
  static Axis around(double least, double most, int wanted) {
    if (least == 0 && most == 0) {
      return around(0, 1, wanted);
    }
    double low = least > 0 && least < most / 3 ? 0 : least;
    double room = most - low;
    double magnitude = Math.max(Math.abs(least), Math.abs(most));
    if (room < FLAT * magnitude) { // a line that is flat but for noise is drawn flat
      return around(least - 2 * FLAT * magnitude, most + 2 * FLAT * magnitude, wanted);
    }
    double step = roundStep(room / wanted);
    return new Axis(Math.floor(low / step) * step, Math.ceil(most / step) * step, step);
  }

  /// An axis of steps, from the first to the last.
  static Axis ofSteps(long first, long last, int wanted) {
    double high = Math.max(last, first + 1);
    return new Axis(first, high, Math.max(1, roundStep((high - first) / wanted)));
  }

  private static double roundStep(double least) {
    double power = Math.pow(10, Math.floor(Math.log10(least)));
    for (int factor : new int[] {1, 2, 5}) {
      if (factor * power >= least * (1 - 1e-9)) {
        return factor * power;
      }
    }
    return 10 * power;
  }

  /// Where the ticks are.
  List<Double> ticks() {
    List<Double> ticks = new ArrayList<>();
    long first = (long) Math.ceil(low / step - 1e-9);
    for (long i = first; i * step <= high + 1e-9 * step; i++) {
      ticks.add(i * step);
    }
    return ticks;
  }

  /// A tick in words: `0.25`, `20k`, `1e-4`.
  String label(double tick) {
    if (tick == 0) {
      return "0";
    }
    if (step >= 1000) {
      double thousands = tick / 1000;
      return thousands >= 1000
          ? plain(thousands / 1000, step / 1e6) + "M"
          : plain(thousands, step / 1000) + "k";
    }
    if (step < 1e-3 && Math.max(Math.abs(low), Math.abs(high)) < 0.01) {
      String digits = String.format(Locale.ROOT, "%.1e", tick);
      return digits.replace(".0e", "e").replaceFirst("e([+-])0*", "e$1").replace("e+", "e");
    }
    return plain(tick, step);
  }

  private static String plain(double value, double step) {
    int decimals = (int) Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }

  /// Where a value is between the ends: 0 to 1.
  double place(double value) {
    return (value - low) / (high - low);
  }
}
