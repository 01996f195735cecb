package bitnet.storage;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Stream;

/// A text file, a pipe or a FIFO, opened once and read once from its beginning to its end: what is
/// read from a pipe to find out its format is lost for a second opening.
///
/// Data may be compressed, or be in a format that a [ContentDecoder] reads as text. What else is
/// evidently not UTF-8 text is refused by what it is.
public final class TextInput implements Closeable {
  private static final List<ContentDecoder> DECODERS =
      Stream.concat(
              Stream.of(new GzipDecoder()),
              ServiceLoader.load(ContentDecoder.class).stream().map(ServiceLoader.Provider::get))
          .toList();

  /// White space in front of the first character, at most; what comes later is not looked for.
  private static final int LOOK_AHEAD = 1 << 20;

  private final Path file;
  private BufferedInputStream in;
  private boolean records;

  private TextInput(Path file, BufferedInputStream in) {
    this.file = file;
    this.in = in;
  }

  /// Opens a file or a pipe of UTF-8; waits for the writer of a FIFO.
  ///
  /// @throws IOException if it is missing, a directory, or not UTF-8 text
  public static TextInput open(Path file) throws IOException {
    return open(file, List.of());
  }

  /// The same for data, which may be compressed or in a format that is read as JSON lines.
  ///
  /// @throws IOException if it is missing, a directory, damaged, or no text for any decoder
  public static TextInput openData(Path file) throws IOException {
    return open(file, DECODERS);
  }

  private static TextInput open(Path file, List<ContentDecoder> decoders) throws IOException {
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    if (Files.isDirectory(file)) {
      throw new IOException(file + " is a directory; give a text, JSON or JSONL file");
    }
    TextInput input = new TextInput(file, new BufferedInputStream(Files.newInputStream(file)));
    try {
      input.decode(decoders);
      input.refuseOtherContent();
      return input;
    } catch (IOException refusal) {
      input.close();
      throw refusal;
    }
  }

  private void decode(List<ContentDecoder> decoders) throws IOException {
    byte[] start = start();
    Optional<ContentDecoder> decoder =
        decoders.stream().filter(each -> each.recognizes(start)).findFirst();
    if (decoder.isPresent()) {
      in = new BufferedInputStream(DecodedStream.of(file, decoder.get(), in));
      records = decoder.get().isRecords();
    }
  }

  private byte[] start() throws IOException {
    in.mark(ForeignContent.LONGEST_MARK);
    byte[] start = in.readNBytes(ForeignContent.LONGEST_MARK);
    in.reset();
    return start;
  }

  /// Refuses what must be read more than once and therefore cannot come from a pipe.
  ///
  /// @param what the file is for, for example `a model`
  /// @throws IOException if it exists and is neither a file nor a directory
  public static void requireFile(Path file, String what) throws IOException {
    if (Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file)) {
      throw new IOException(
          "%s is a pipe or a device; %s is read more than once, so write it to a file first"
              .formatted(file, what));
    }
  }

  /// The whole text of a small file or of a pipe.
  ///
  /// @param most bytes; a longer one is refused before it fills the memory
  /// @throws IOException if it is longer, or cannot be read
  public static String readAll(Path file, int most) throws IOException {
    try (TextInput input = open(file)) {
      byte[] bytes = input.in.readNBytes(most + 1);
      if (bytes.length > most) {
        throw new IOException(
            "%s is longer than the %d bytes that are read; is it the right file?"
                .formatted(file, most));
      }
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException notUtf8) {
      throw new IOException(file + " is not UTF-8; convert it", notUtf8);
    }
  }

  private void refuseOtherContent() throws IOException {
    byte[] start = start();
    for (ForeignContent content : ForeignContent.values()) {
      if (content.begins(start)) {
        throw new ForeignContentException(content.refusal(file));
      }
    }
  }

  /// The name and path that the user gave.
  public Path file() {
    return file;
  }

  /// Whether it can be read once only.
  public boolean isStream() {
    return !Files.isRegularFile(file);
  }

  /// Whether it is JSON lines that a decoder makes of the records of another format.
  public boolean isRecords() {
    return records;
  }

  /// The first byte that is neither white space nor part of a byte-order mark; -1 if there is no
  /// other.
  public int firstCharacter() throws IOException {
    in.mark(LOOK_AHEAD);
    int next = in.read();
    // white space and the three bytes of a byte-order mark
    for (int read = 1; read < LOOK_AHEAD && next >= 0 && isSkipped(next); read++) {
      next = in.read();
    }
    in.reset();
    return next;
  }

  private static boolean isSkipped(int value) {
    return value <= ' ' || value == 0xEF || value == 0xBB || value == 0xBF;
  }

  /// The bytes, all of them from the first on.
  public InputStream stream() {
    return in;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
