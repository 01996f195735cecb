package bitnet.data;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// What happens when a record of a training file cannot be used.
public enum BadRecordPolicy {
  /// Stop before training starts, with file, line and reason.
  STOP,
  /// Leave the record out, count it, and report the first few.
  SKIP;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The policy of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static BadRecordPolicy of(String key) {
    return NamedValues.find(values(), BadRecordPolicy::key, key, "on_bad_record");
  }
}
