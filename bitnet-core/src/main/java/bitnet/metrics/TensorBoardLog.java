package bitnet.metrics;

import bitnet.storage.Directories;
import bitnet.storage.GrowingFile;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/// Scalars in a TensorBoard event file: TFRecord frames of `tensorflow.Event` protocol buffers.
///
/// Each process of a run writes a file of its own, whose name sorts after those before it.
final class TensorBoardLog implements Closeable {
  private static final String PREFIX = "events.out.tfevents.";
  private static final String SUFFIX = ".bitnet";

  private final GrowingFile file;

  private TensorBoardLog(GrowingFile file) {
    this.file = file;
  }

  /// Starts a file in the directory. Where others are there, TensorBoard is told to forget
  /// what they say about later steps.
  static TensorBoardLog open(Path directory, long doneSteps) throws IOException {
    Directories.make(directory);
    long second = System.currentTimeMillis() / 1000;
    List<Path> earlier = ownFiles(directory);
    for (Path other : earlier) {
      String name = other.getFileName().toString();
      String stamp = name.substring(PREFIX.length(), name.length() - SUFFIX.length());
      second = Math.max(second, Long.parseLong(stamp) + 1);
    }
    Path file = directory.resolve("%s%010d%s".formatted(PREFIX, second, SUFFIX));
    TensorBoardLog log = new TensorBoardLog(GrowingFile.open(file, 0));
    try {
      log.append(new Message().text(3, "brain.Event:2"), 0);
      if (!earlier.isEmpty()) {
        // session_log { status: START }: events of this step and later in earlier files are void
        log.append(new Message().message(7, new Message().integer(1, 1)), doneSteps + 1);
      }
      return log;
    } catch (IOException failure) {
      log.close();
      throw failure;
    }
  }

  private static List<Path> ownFiles(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(file -> file.getFileName().toString().matches(PREFIX + "\\d{10}" + SUFFIX))
          .toList();
    }
  }

  void write(long step, Map<String, Double> values) throws IOException {
    Message summary = new Message();
    values.forEach(
        (name, value) ->
            summary.message(1, new Message().text(1, name).float32(2, value.floatValue())));
    append(new Message().message(5, summary), step);
  }

  /// Appends an event: its content after wall_time (field 1) and step (field 2).
  private void append(Message content, long step) throws IOException {
    byte[] event =
        new Message()
            .float64(1, System.currentTimeMillis() / 1000.0)
            .integer(2, step)
            .then(content)
            .bytes();
    ByteBuffer frame =
        ByteBuffer.allocate(Long.BYTES + Integer.BYTES + event.length + Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    frame.putLong(event.length);
    frame.putInt(maskedCrc(frame.array(), Long.BYTES));
    frame.put(event).putInt(maskedCrc(event, event.length)).flip();
    file.append(frame.array());
  }

  /// TFRecord's checksum: CRC-32C, rotated and shifted so that a CRC of data with CRCs stays
  /// sound.
  private static int maskedCrc(byte[] data, int length) {
    CRC32C crc = new CRC32C();
    crc.update(data, 0, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + 0xA282EAD8;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  /// A protocol buffer message, written field by field.
  private static final class Message {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED32 = 5;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    byte[] bytes() {
      return out.toByteArray();
    }

    Message integer(int field, long value) {
      varint(field << 3 | VARINT);
      varint(value);
      return this;
    }

    Message float64(int field, double value) {
      varint(field << 3 | FIXED64);
      fixed(Double.doubleToLongBits(value), Double.BYTES);
      return this;
    }

    Message float32(int field, float value) {
      varint(field << 3 | FIXED32);
      fixed(Float.floatToIntBits(value), Float.BYTES);
      return this;
    }

    Message text(int field, String value) {
      return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    Message message(int field, Message value) {
      return bytes(field, value.bytes());
    }

    Message then(Message fields) {
      out.writeBytes(fields.bytes());
      return this;
    }

    private Message bytes(int field, byte[] value) {
      varint(field << 3 | BYTES);
      varint(value.length);
      out.writeBytes(value);
      return this;
    }

    private void varint(long value) {
      long rest = value;
      while ((rest & ~0x7FL) != 0) {
        out.write((int) ((rest & 0x7F) | 0x80));
        rest >>>= 7;
      }
      out.write((int) rest);
    }

    private void fixed(long bits, int bytes) {
      for (int i = 0; i < bytes; i++) {
        out.write((int) (bits >>> (8 * i)));
      }
    }
  }
}
