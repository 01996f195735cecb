package bitnet.corpus;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// Which copies of a document are left out.
public enum Deduplication {
  /// All but the first of those whose texts have the same UTF-8 bytes.
  EXACT,
  /// None.
  NONE;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The kind of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static Deduplication of(String key) {
    return NamedValues.find(values(), Deduplication::key, key, "dedup");
  }
}
