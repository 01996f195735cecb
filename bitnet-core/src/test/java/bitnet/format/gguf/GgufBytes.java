package bitnet.format.gguf;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// A GGUF file written byte by byte, so that it can be wrong in every way.
public final class GgufBytes {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /// Magic, version and both counts.
  public static GgufBytes file(int version, long tensors, long keys) {
    return new GgufBytes().raw("GGUF".getBytes(UTF_8)).u32(version).u64(tensors).u64(keys);
  }

  public GgufBytes raw(byte... more) {
    bytes.writeBytes(more);
    return this;
  }

  public GgufBytes u32(int value) {
    return raw(
        ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
  }

  public GgufBytes u64(long value) {
    return raw(
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
  }

  public GgufBytes text(String text) {
    return u64(text.getBytes(UTF_8).length).raw(text.getBytes(UTF_8));
  }

  /// A key with the type of its value.
  public GgufBytes key(String key, GgufValueType type) {
    return text(key).u32(type.id());
  }

  public GgufBytes number(String key, int value) {
    return key(key, GgufValueType.UINT32).u32(value);
  }

  /// A tensor in the header.
  ///
  /// @param dimensions as in the file, innermost first
  public GgufBytes tensor(String name, int type, long offset, long... dimensions) {
    text(name).u32(dimensions.length);
    for (long dimension : dimensions) {
      u64(dimension);
    }
    return u32(type).u64(offset);
  }

  /// Pads the header to a multiple of 32 and adds data.
  public byte[] data(int count) {
    raw(new byte[(32 - bytes.size() % 32) % 32]);
    return raw(new byte[count]).bytes.toByteArray();
  }

  public byte[] bytes() {
    return bytes.toByteArray();
  }
}
