package bitnet.hub;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.IntStream;

/// A file that is written in several ranges at once, and how far each of them is. That is kept in
/// a second file, written after the bytes it counts, so that a killed process loses none.
///
/// The second file has 64-bit numbers, big-endian: the bytes of the whole file, the number of
/// ranges, and of each range the position of its first missing byte.
final class RangedFile implements Closeable {
  private static final int MOST_RANGES = 4;
  private static final int HEAD = 2;

  private final Path path;
  private final FileChannel content;
  private final FileChannel state;
  private final long total;
  private final long[] next;

  private RangedFile(Path path, FileChannel content, FileChannel state, long total, long... next) {
    this.path = path;
    this.content = content;
    this.state = state;
    this.total = total;
    this.next = next;
  }

  /// Opens the files of an earlier process, or new ones where they do not fit each other.
  ///
  /// @param total bytes
  /// @param rangeBytes of the smallest range
  static RangedFile open(Path path, Path statePath, long total, long rangeBytes)
      throws IOException {
    int count = (int) Math.min(MOST_RANGES, total / rangeBytes);
    boolean continues = Files.exists(path) && Files.exists(statePath);
    FileChannel content =
        FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileChannel state =
        FileChannel.open(
            statePath,
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    long[] next = IntStream.range(0, count).mapToLong(i -> first(i, count, total)).toArray();
    RangedFile file = new RangedFile(path, content, state, total, next);
    if (!continues || !file.readState()) {
      content.truncate(0);
      file.writeState();
    }
    return file;
  }

  private static long first(int range, int count, long total) {
    return total / count * range + Math.min(range, total % count);
  }

  /// Whether the state is that of these ranges; if so, it is taken over.
  private boolean readState() throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate((HEAD + next.length) * Long.BYTES);
    if (state.size() != bytes.capacity() || state.read(bytes, 0) < bytes.capacity()) {
      return false;
    }
    bytes.flip();
    if (bytes.getLong() != total || bytes.getLong() != next.length) {
      return false;
    }
    long[] kept = new long[next.length];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = bytes.getLong();
      boolean begun = kept[i] > next[i];
      if (kept[i] < next[i] || kept[i] > end(i) || (begun && kept[i] > content.size())) {
        return false;
      }
    }
    System.arraycopy(kept, 0, next, 0, kept.length);
    return true;
  }

  private void writeState() throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate((HEAD + next.length) * Long.BYTES);
    bytes.putLong(total).putLong(next.length);
    for (long each : next) {
      bytes.putLong(each);
    }
    state.truncate(bytes.capacity());
    state.write(bytes.flip(), 0);
  }

  int count() {
    return next.length;
  }

  long total() {
    return total;
  }

  /// The first missing byte of a range; one thread at a time asks for and writes to a range.
  long next(int range) {
    return next[range];
  }

  /// The byte behind the last one of a range.
  long end(int range) {
    return first(range + 1, next.length, total);
  }

  /// How many bytes of all ranges are missing.
  long missingBytes() {
    return IntStream.range(0, next.length).mapToLong(i -> end(i) - next[i]).sum();
  }

  /// Appends to a range.
  ///
  /// @param name of the file, for messages
  /// @throws HubException if there is no space
  void append(int range, ByteBuffer bytes, String name) throws IOException {
    int count = bytes.remaining();
    HubDownload.write(content, bytes, next[range], name, path);
    ByteBuffer place = ByteBuffer.allocate(Long.BYTES).putLong(next[range] + count).flip();
    HubDownload.write(state, place, (HEAD + (long) range) * Long.BYTES, name, path);
    next[range] += count;
  }

  @Override
  public void close() throws IOException {
    content.close();
    state.close();
  }
}
