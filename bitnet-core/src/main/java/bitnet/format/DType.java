package bitnet.format;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/// The element types of safetensors that this toolkit reads. The constant's name is the format's.
public enum DType {
  /// IEEE 754 binary64.
  F64(8),
  /// IEEE 754 binary32.
  F32(4),
  /// IEEE 754 binary16.
  F16(2),
  /// The upper half of a binary32.
  BF16(2),
  /// Signed 64-bit integer.
  I64(8),
  /// Signed 32-bit integer.
  I32(4),
  /// Signed 16-bit integer.
  I16(2),
  /// Signed 8-bit integer.
  I8(1),
  /// Unsigned 8-bit integer, also the packed form of ternary weights.
  U8(1),
  /// One byte, 0 or 1.
  BOOL(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /// The size of one element in bytes.
  public int bytes() {
    return bytes;
  }

  /// Whether elements are floating-point numbers.
  public boolean isFloat() {
    return this == F64 || this == F32 || this == F16 || this == BF16;
  }

  public static Optional<DType> of(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }

  public static String names() {
    return Arrays.stream(values()).map(DType::name).collect(Collectors.joining(", "));
  }
}
