package bitnet.data;

import bitnet.storage.Directories;
import bitnet.storage.WriteFailure;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A temporary file of token ids, 2 bytes each where the vocabulary allows it and no token is
/// masked, else 4.
///
/// On Linux and macOS the file has no name from the moment it is opened, so that even a killed
/// run leaves nothing behind; elsewhere it goes when the cache is closed.
final class TokenCache implements Closeable {
  private static final int BUFFER_BYTES = 1 << 18;

  private final Path directory;
  private final Arena arena = Arena.ofShared();
  private FileChannel channel;
  private LossMask mask;
  private boolean wide;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final @Nullable RecordStarts records;
  private long size;

  /// @param directory where the file lives; made if it is not there
  /// @param mask with one, tokens take 4 bytes
  /// @param packing with [Packing#RECORDS], the stream knows where records begin
  TokenCache(Path directory, int vocabSize, LossMask mask, Packing packing) throws IOException {
    this.directory = directory;
    this.mask = mask;
    this.records = packing == Packing.RECORDS ? new RecordStarts() : null;
    this.wide = vocabSize > Character.MAX_VALUE + 1 || mask != LossMask.NONE;
    Directories.make(directory);
    this.channel = open(directory);
  }

  private static FileChannel open(Path directory) throws IOException {
    try {
      return FileChannel.open(
          directory.resolve("tokens-%s.tmp".formatted(UUID.randomUUID())),
          StandardOpenOption.CREATE_NEW,
          StandardOpenOption.READ,
          StandardOpenOption.WRITE,
          StandardOpenOption.DELETE_ON_CLOSE);
    } catch (IOException failure) {
      throw WriteFailure.of(directory, failure);
    }
  }

  void add(int[] tokens) throws IOException {
    for (int token : tokens) {
      if (buffer.remaining() < Integer.BYTES) {
        flush();
      }
      if (wide) {
        buffer.putInt(token);
      } else {
        buffer.putChar((char) token);
      }
    }
    size += tokens.length;
  }

  /// Adds tokens that are only read.
  void addMasked(int[] tokens) throws IOException {
    mask = LossMask.PROMPTS;
    widen();
    add(Arrays.stream(tokens).map(token -> ~token).toArray());
  }

  /// From 2 bytes a token to 4, which a masked one takes.
  private void widen() throws IOException {
    if (wide) {
      return;
    }
    flush();
    wide = true;
    size = 0;
    try (FileChannel narrow = channel) {
      channel = open(directory);
      ByteBuffer part = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      for (long at = 0; narrow.read(part, at) >= 0; at += part.limit()) {
        part.flip();
        CharBuffer tokens = part.asCharBuffer();
        add(IntStream.range(0, tokens.remaining()).map(tokens::get).toArray());
        part.clear();
      }
    }
  }

  /// Ends a record.
  void endRecord() {
    if (records != null) {
      records.end(size);
    }
  }

  long size() {
    return size;
  }

  /// All tokens added so far. The stream lives until the cache is closed.
  TokenStream stream() throws IOException {
    flush();
    return new TokenStream(
        channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena),
        wide,
        mask,
        records == null ? new long[0] : records.toArray());
  }

  private void flush() throws IOException {
    buffer.flip();
    try {
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    } catch (IOException failure) {
      throw WriteFailure.of(directory, failure);
    }
    buffer.clear();
  }

  @Override
  public void close() throws IOException {
    arena.close();
    channel.close();
  }
}
