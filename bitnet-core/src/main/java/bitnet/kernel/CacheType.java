package bitnet.kernel;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// How keys and values are remembered.
public enum CacheType {
  /// IEEE half precision: half the memory; the default.
  FP16(2),
  /// Single precision, as computed.
  FP32(4);

  private final int bytes;

  CacheType(int bytes) {
    this.bytes = bytes;
  }

  /// A type by its name on the command line.
  ///
  /// @throws IllegalArgumentException if there is no such type
  public static CacheType of(String name) {
    return NamedValues.find(values(), CacheType::label, name, "kv_cache");
  }

  /// Its name on the command line.
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// Bytes of one value.
  public int bytes() {
    return bytes;
  }
}
