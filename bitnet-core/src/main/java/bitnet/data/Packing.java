package bitnet.data;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// How the examples of a text fill the windows that a model is trained on.
public enum Packing {
  /// One example after the other, and windows are cut anywhere. A window may begin in the middle of
  /// an example; attention and loss run across examples.
  STREAM,
  /// Windows of whole examples, see [RecordPacking].
  RECORDS;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The packing of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static Packing of(String key) {
    return NamedValues.find(values(), Packing::key, key, "packing");
  }
}
