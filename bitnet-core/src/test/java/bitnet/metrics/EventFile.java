package bitnet.metrics;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Reads event files by the descriptions of TFRecord and protocol buffers, sharing nothing with the
/// writer: its CRC-32C is the bitwise definition.
final class EventFile {
  private EventFile() {}

  /// Each event in words, without its time: `version X`, `start at S`, `S tag=value ...`.
  static List<String> read(Path file) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<String> events = new ArrayList<>();
    while (in.hasRemaining()) {
      int start = in.position();
      int length = Math.toIntExact(in.getLong());
      check(in.getInt(), in.slice(start, 8));
      ByteBuffer event = in.slice(in.position(), length).order(ByteOrder.LITTLE_ENDIAN);
      in.position(in.position() + length);
      check(in.getInt(), event.slice(0, length));
      events.add(event(event));
    }
    return events;
  }

  private static void check(int masked, ByteBuffer data) {
    int crc = -1;
    while (data.hasRemaining()) {
      crc ^= data.get() & 0xFF;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 1) != 0 ? (crc >>> 1) ^ 0x82F63B78 : crc >>> 1;
      }
    }
    crc = ~crc;
    int expected = ((crc >>> 15) | (crc << 17)) + 0xA282EAD8;
    if (masked != expected) {
      throw new IllegalStateException("CRC %08x is not %08x".formatted(masked, expected));
    }
  }

  private static String event(ByteBuffer in) {
    long step = 0;
    double time = 0;
    StringBuilder content = new StringBuilder();
    while (in.hasRemaining()) {
      int key = (int) varint(in);
      switch (key) {
        case 1 << 3 | 1 -> time = in.getDouble();
        case 2 << 3 -> step = varint(in);
        case 3 << 3 | 2 -> content.append("version ").append(text(bytes(in)));
        case 5 << 3 | 2 -> summary(bytes(in), step, content);
        case 7 << 3 | 2 -> {
          ByteBuffer session = bytes(in);
          require(varint(session) == 1 << 3 && varint(session) == 1, "session log of START");
          content.append("start at ").append(step);
        }
        default -> throw new IllegalStateException("unknown key " + key);
      }
    }
    require(Math.abs(time - System.currentTimeMillis() / 1000.0) < 3600, "time " + time);
    return content.toString();
  }

  private static void summary(ByteBuffer in, long step, StringBuilder content) {
    content.append(step);
    while (in.hasRemaining()) {
      require(varint(in) == (1 << 3 | 2), "a value");
      ByteBuffer value = bytes(in);
      require(varint(value) == (1 << 3 | 2), "a tag");
      content.append(' ').append(text(bytes(value)));
      require(varint(value) == (2 << 3 | 5), "a simple_value");
      content.append('=').append(value.getFloat());
      require(!value.hasRemaining(), "the end of a value");
    }
  }

  private static void require(boolean condition, String what) {
    if (!condition) {
      throw new IllegalStateException("expected " + what);
    }
  }

  private static ByteBuffer bytes(ByteBuffer in) {
    int length = (int) varint(in);
    ByteBuffer bytes = in.slice(in.position(), length).order(ByteOrder.LITTLE_ENDIAN);
    in.position(in.position() + length);
    return bytes;
  }

  private static String text(ByteBuffer in) {
    return StandardCharsets.UTF_8.decode(in).toString();
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = in.get();
      value |= (long) (next & 0x7F) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }
}
