package bitnet.format.gguf;

import bitnet.format.CheckpointException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;

/// The metadata of a GGUF file. Values are checked for their size when the file is opened and
/// decoded when they are asked for, so that a file with a huge vocabulary costs nothing.
public final class GgufMetadata {
  private static final List<GgufValueType> TYPES = List.of(GgufValueType.values());
  private static final int MOST_KEYS = 10_000; // ten times what the largest real files have
  private static final int LONGEST_KEY = 65_535;
  private static final int LONGEST_TEXT = 1 << 24;
  private static final int DEEPEST = 4; // arrays in arrays
  private static final int LEAST_BYTES = 8 + 1 + 4 + 1; // of a key with its value

  private final Path file;
  private final MemorySegment bytes;
  private final Map<String, Value> values = new LinkedHashMap<>();

  /// Where a value lies.
  ///
  /// @param element the type of an array's elements, else that of the value
  /// @param count elements of an array, else 1
  /// @param offset of the value or the first element
  private record Value(GgufValueType type, GgufValueType element, long count, long offset) {}

  private GgufMetadata(Path file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  /// Reads `count` pairs of key and value.
  public static GgufMetadata parse(Path file, MemorySegment bytes, GgufCursor cursor, long count)
      throws CheckpointException {
    if (count > MOST_KEYS || count > cursor.remaining() / LEAST_BYTES) {
      throw new CheckpointException(
          file,
          "says it has %d metadata keys; at most %d are allowed and %d bytes are left"
              .formatted(count, MOST_KEYS, cursor.remaining()));
    }
    GgufMetadata metadata = new GgufMetadata(file, bytes);
    for (long i = 0; i < count; i++) {
      String key = cursor.readText(LONGEST_KEY, "the key of metadata %d".formatted(i));
      String quoted = "metadata '%s'".formatted(CheckpointException.quote(key));
      if (key.isEmpty() || metadata.values.put(key, skip(file, cursor, quoted)) != null) {
        throw new CheckpointException(
            file, key.isEmpty() ? "a metadata key is empty" : quoted + " occurs twice");
      }
    }
    return metadata;
  }

  private static Value skip(Path file, GgufCursor cursor, String what) throws CheckpointException {
    GgufValueType type = type(file, cursor, what);
    long offset = cursor.position();
    switch (type) {
      case STRING -> cursor.skipText(what);
      case ARRAY -> {
        return skipArray(file, cursor, what, DEEPEST);
      }
      default -> cursor.take(type.bytes(), what);
    }
    return new Value(type, type, 1, offset);
  }

  private static GgufValueType type(Path file, GgufCursor cursor, String what)
      throws CheckpointException {
    int id = cursor.readInt(what + "'s type");
    for (GgufValueType type : TYPES) {
      if (type.id() == id) {
        return type;
      }
    }
    throw new CheckpointException(
        file,
        "%s has the unknown type %s; 0 to %d are known"
            .formatted(what, Integer.toUnsignedString(id), TYPES.size() - 1));
  }

  private static Value skipArray(Path file, GgufCursor cursor, String what, int depth)
      throws CheckpointException {
    if (depth == 0) {
      throw new CheckpointException(
          file, "%s has arrays in arrays, more than %d deep".formatted(what, DEEPEST));
    }
    GgufValueType element = type(file, cursor, what);
    long count = cursor.readCount(element.bytes(), what + "'s count");
    long offset = cursor.position();
    if (element.isFixed()) {
      cursor.take(count * element.bytes(), what);
    } else {
      for (long i = 0; i < count; i++) {
        if (element == GgufValueType.STRING) {
          cursor.skipText(what);
        } else {
          skipArray(file, cursor, what, depth - 1);
        }
      }
    }
    return new Value(GgufValueType.ARRAY, element, count, offset);
  }

  public boolean has(String key) {
    return values.containsKey(key);
  }

  /// Every key.
  public Stream<String> keys() {
    return values.keySet().stream();
  }

  /// The number of keys.
  public int size() {
    return values.size();
  }

  /// An error about a key.
  public CheckpointException fault(String key, String rule) {
    return new CheckpointException(
        file,
        "metadata '%s' %s"
            .formatted(CheckpointException.quote(key), has(key) ? rule : "is missing; " + rule));
  }

  private Value value(String key, boolean fits, String rule) throws CheckpointException {
    Value value = values.get(key);
    if (value == null || !fits) {
      throw fault(key, value == null ? rule : "is %s; %s".formatted(value.type(), rule));
    }
    return value;
  }

  private boolean is(String key, GgufValueType type) {
    Value value = values.get(key);
    return value != null && value.type() == type;
  }

  /// A whole number that must be there.
  public int integer(String key, int least, int most) throws CheckpointException {
    Value stored = values.get(key);
    String rule = "it must be a whole number from %d to %d".formatted(least, most);
    Value value = value(key, stored != null && stored.type().isInteger(), rule);
    long number = integer(value.type(), value.offset());
    if (number < least || number > most) {
      throw fault(key, "is %d; %s".formatted(number, rule));
    }
    return (int) number;
  }

  public int integer(String key, int least, int most, int fallback) throws CheckpointException {
    return has(key) ? integer(key, least, most) : fallback;
  }

  /// A token id, if the key exists.
  public OptionalInt token(String key, int vocabSize) throws CheckpointException {
    return has(key) ? OptionalInt.of(integer(key, 0, vocabSize - 1)) : OptionalInt.empty();
  }

  /// The value of an integer type; above 2^63 it is negative.
  private long integer(GgufValueType type, long offset) {
    return switch (type) {
      case INT8 -> bytes.get(ValueLayout.JAVA_BYTE, offset);
      case UINT8, BOOL -> Byte.toUnsignedLong(bytes.get(ValueLayout.JAVA_BYTE, offset));
      case INT16 -> bytes.get(GgufCursor.SHORT, offset);
      case UINT16 -> Short.toUnsignedLong(bytes.get(GgufCursor.SHORT, offset));
      case INT32 -> bytes.get(GgufCursor.INT, offset);
      case UINT32 -> Integer.toUnsignedLong(bytes.get(GgufCursor.INT, offset));
      case INT64, UINT64 -> bytes.get(GgufCursor.LONG, offset);
      case FLOAT32, FLOAT64, STRING, ARRAY ->
          throw new IllegalArgumentException(type + " is not an integer type");
    };
  }

  /// A finite number.
  public double number(String key, double fallback) throws CheckpointException {
    if (!has(key)) {
      return fallback;
    }
    String rule = "it must be a finite number";
    boolean wide = is(key, GgufValueType.FLOAT64);
    Value value = value(key, wide || is(key, GgufValueType.FLOAT32), rule);
    double number =
        wide
            ? bytes.get(GgufCursor.DOUBLE, value.offset())
            // 1e-5 as a float is to be the 1e-5 that config.json says
            : Double.parseDouble(Float.toString(bytes.get(GgufCursor.FLOAT, value.offset())));
    if (!Double.isFinite(number)) {
      throw fault(key, "is %s; %s".formatted(number, rule));
    }
    return number;
  }

  public boolean flag(String key, boolean fallback) throws CheckpointException {
    if (!has(key)) {
      return fallback;
    }
    String rule = "it must be true or false";
    Value value = value(key, is(key, GgufValueType.BOOL), rule);
    long number = integer(GgufValueType.BOOL, value.offset());
    if (number > 1) {
      throw fault(key, "is the byte %d; %s".formatted(number, rule));
    }
    return number == 1;
  }

  /// A string that must be there.
  public String text(String key) throws CheckpointException {
    Value value = value(key, is(key, GgufValueType.STRING), "it must be a string");
    return new GgufCursor(file, bytes, value.offset()).readText(LONGEST_TEXT, "'" + key + "'");
  }

  public String text(String key, String fallback) throws CheckpointException {
    return has(key) ? text(key) : fallback;
  }

  /// The number of elements of an array.
  public long count(String key) throws CheckpointException {
    return value(key, is(key, GgufValueType.ARRAY), "it must be an array").count();
  }

  private Value array(String key, GgufValueType element) throws CheckpointException {
    String rule = "it must be an array of " + element;
    Value value = value(key, is(key, GgufValueType.ARRAY), rule);
    if (value.element() != element || value.count() > Integer.MAX_VALUE - 8) {
      throw fault(key, "has %d %s; %s".formatted(value.count(), value.element(), rule));
    }
    return value;
  }

  public String[] texts(String key) throws CheckpointException {
    Value value = array(key, GgufValueType.STRING);
    String[] texts = new String[(int) value.count()];
    GgufCursor cursor = new GgufCursor(file, bytes, value.offset());
    for (int i = 0; i < texts.length; i++) {
      texts[i] = cursor.readText(LONGEST_TEXT, "'%s' %d".formatted(key, i));
    }
    return texts;
  }

  public int[] integers(String key) throws CheckpointException {
    Value value = array(key, GgufValueType.INT32);
    return bytes.asSlice(value.offset(), value.count() * Integer.BYTES).toArray(GgufCursor.INT);
  }

  public float[] floats(String key) throws CheckpointException {
    Value value = array(key, GgufValueType.FLOAT32);
    return bytes.asSlice(value.offset(), value.count() * Float.BYTES).toArray(GgufCursor.FLOAT);
  }
}
