package bitnet.eval;

import java.util.Arrays;

/// A quantity of every record, by which models are compared.
///
/// @param name of the quantity
/// @param values one per record, in the order of the records
/// @param binary whether all are 0 or 1
/// @param lowest what no value can be below; none can be above 1
record Series(String name, double[] values, boolean binary, double lowest) {

  /// A quantity from 0 to 1.
  Series(String name, double[] values, boolean binary) {
    this(name, values, binary, 0);
  }

  /// The same under another name.
  Series named(String other) {
    return new Series(other, values, binary, lowest);
  }

  /// The same as quantities, which may lie between 0 and 1.
  Series asQuantities() {
    return new Series(name, values, false, lowest);
  }

  double mean() {
    return Arrays.stream(values).average().orElse(Double.NaN);
  }
}
