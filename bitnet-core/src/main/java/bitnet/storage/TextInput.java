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

/// A text file, a pipe or a FIFO, opened once and read once from its beginning to its end: what is
/// read from a pipe to find out its format is lost for a second opening.
///
/// What is evidently not UTF-8 text, for example a compressed file, is refused by what it is.
public final class TextInput implements Closeable {
  /// White space in front of the first character, at most; what comes later is not looked for.
  private static final int LOOK_AHEAD = 1 << 20;

  private final Path file;
  private final BufferedInputStream in;

  private TextInput(Path file, BufferedInputStream in) {
    this.file = file;
    this.in = in;
  }

  /// Opens a file or a pipe; waits for the writer of a FIFO.
  ///
  /// @throws IOException if it is missing, a directory, or not UTF-8 text
  public static TextInput open(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    if (Files.isDirectory(file)) {
      throw new IOException(file + " is a directory; give a text, JSON or JSONL file");
    }
    TextInput input = new TextInput(file, new BufferedInputStream(Files.newInputStream(file)));
    try {
      input.refuseOtherContent();
      return input;
    } catch (IOException refusal) {
      input.close();
      throw refusal;
    }
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
    in.mark(ForeignContent.LONGEST_MARK);
    byte[] start = in.readNBytes(ForeignContent.LONGEST_MARK);
    in.reset();
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
