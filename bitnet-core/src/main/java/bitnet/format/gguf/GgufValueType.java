package bitnet.format.gguf;

/// The types of GGUF metadata.
public enum GgufValueType {
  UINT8(0, 1),
  INT8(1, 1),
  UINT16(2, 2),
  INT16(3, 2),
  UINT32(4, 4),
  INT32(5, 4),
  FLOAT32(6, 4),
  BOOL(7, 1),
  STRING(8, 8), // at least: its length
  ARRAY(9, 12), // at least: element type and count
  UINT64(10, 8),
  INT64(11, 8),
  FLOAT64(12, 8);

  private final int id;
  private final int bytes;

  GgufValueType(int id, int bytes) {
    this.id = id;
    this.bytes = bytes;
  }

  /// The number in a file.
  public int id() {
    return id;
  }

  /// The size of a value, of a string or an array the least size.
  int bytes() {
    return bytes;
  }

  boolean isFixed() {
    return this != STRING && this != ARRAY;
  }

  boolean isInteger() {
    return switch (this) {
      case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
      case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> false;
    };
  }
}
