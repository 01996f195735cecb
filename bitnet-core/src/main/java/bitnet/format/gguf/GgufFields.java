package bitnet.format.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Metadata to be written to a GGUF file, in the order in which they are added.
public final class GgufFields {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final Set<String> keys = new HashSet<>();

  public GgufFields put(String key, int value) {
    begin(key, GgufValueType.UINT32);
    writeInt(value);
    return this;
  }

  public GgufFields put(String key, float value) {
    begin(key, GgufValueType.FLOAT32);
    writeInt(Float.floatToRawIntBits(value));
    return this;
  }

  public GgufFields put(String key, boolean value) {
    begin(key, GgufValueType.BOOL);
    bytes.write(value ? 1 : 0);
    return this;
  }

  public GgufFields put(String key, String value) {
    begin(key, GgufValueType.STRING);
    writeText(value);
    return this;
  }

  public GgufFields putTexts(String key, List<String> values) {
    beginArray(key, GgufValueType.STRING, values.size());
    values.forEach(this::writeText);
    return this;
  }

  public GgufFields putIntegers(String key, List<Integer> values) {
    beginArray(key, GgufValueType.INT32, values.size());
    values.forEach(this::writeInt);
    return this;
  }

  public GgufFields putFloats(String key, List<Float> values) {
    beginArray(key, GgufValueType.FLOAT32, values.size());
    values.forEach(value -> writeInt(Float.floatToRawIntBits(value)));
    return this;
  }

  private void beginArray(String key, GgufValueType element, int count) {
    begin(key, GgufValueType.ARRAY);
    writeInt(element.id());
    writeLong(count);
  }

  private void begin(String key, GgufValueType type) {
    if (!keys.add(key)) {
      throw new IllegalArgumentException("metadata '%s' is given twice".formatted(key));
    }
    writeText(key);
    writeInt(type.id());
  }

  private void writeInt(int value) {
    writeLow(Integer.BYTES, value);
  }

  private void writeLong(long value) {
    writeLow(Long.BYTES, value);
  }

  private void writeLow(int count, long value) {
    for (int i = 0; i < count; i++) {
      bytes.write((int) (value >>> (8 * i)));
    }
  }

  private void writeText(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    writeLong(utf8.length);
    bytes.write(utf8, 0, utf8.length);
  }

  /// The number of keys.
  public int size() {
    return keys.size();
  }

  /// All keys and values as a file has them.
  public byte[] bytes() {
    return bytes.toByteArray();
  }
}
