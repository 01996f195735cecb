package bitnet.format.gguf;

import bitnet.format.CheckpointException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Reads a GGUF header front to back; nothing is read, skipped or allocated that the file does not
/// hold.
public final class GgufCursor {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path file;
  private final MemorySegment bytes;
  private long position;

  /// @param file for messages
  /// @param bytes the whole file
  /// @param position where to begin
  GgufCursor(Path file, MemorySegment bytes, long position) {
    this.file = file;
    this.bytes = bytes;
    this.position = position;
  }

  long position() {
    return position;
  }

  long remaining() {
    return bytes.byteSize() - position;
  }

  /// Moves on over bytes that must be there.
  ///
  /// @return where they begin
  long take(long count, String what) throws CheckpointException {
    if (count < 0 || count > remaining()) {
      throw new CheckpointException(
          file,
          "%s at byte %d takes %s bytes but %d are left; the file is truncated or damaged"
              .formatted(what, position, Long.toUnsignedString(count), remaining()));
    }
    long begin = position;
    position += count;
    return begin;
  }

  int readInt(String what) throws CheckpointException {
    return bytes.get(INT, take(Integer.BYTES, what));
  }

  long readLong(String what) throws CheckpointException {
    return bytes.get(LONG, take(Long.BYTES, what));
  }

  /// A count of things that each take some bytes of the file.
  ///
  /// @param least the fewest bytes that one takes
  long readCount(int least, String what) throws CheckpointException {
    long begin = position;
    long count = readLong(what);
    if (count < 0 || count > remaining() / least) {
      throw new CheckpointException(
          file,
          "%s at byte %d is %s, but the %d bytes that are left hold at most %d"
              .formatted(
                  what, begin, Long.toUnsignedString(count), remaining(), remaining() / least));
    }
    return count;
  }

  /// Moves on over a string.
  void skipText(String what) throws CheckpointException {
    take(readLong(what + "'s length"), what);
  }

  /// A string; UTF-8 with its length in front.
  ///
  /// @param longest the most bytes that are accepted
  String readText(int longest, String what) throws CheckpointException {
    long begin = position;
    long length = readLong(what + "'s length");
    if (length < 0 || length > Math.min(longest, remaining())) {
      throw new CheckpointException(
          file,
          "%s at byte %d has a length of %s bytes; at most %d are allowed and %d are left"
              .formatted(what, begin, Long.toUnsignedString(length), longest, remaining()));
    }
    ByteBuffer text = bytes.asSlice(take(length, what), length).asByteBuffer();
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(text).toString();
    } catch (CharacterCodingException invalid) {
      throw new CheckpointException(
          file, "%s at byte %d is not UTF-8".formatted(what, begin), invalid);
    }
  }
}
