package bitnet.tokenizer;

import bitnet.storage.TextInput;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.Consumer;

/// A UTF-8 text file read line by line, of any size.
final class CorpusLines {
  /// A longer line comes in pieces, so that a file without line ends needs no memory of its size.
  static final int MAX_LINE_BYTES = 1 << 20;

  private final Path file;
  private final Consumer<String> lines;
  private final byte[] line = new byte[MAX_LINE_BYTES];
  private int length;
  private long lineStart;
  private long lineNumber = 1;

  private CorpusLines(Path file, Consumer<String> lines) {
    this.file = file;
    this.lines = lines;
  }

  /// Gives every line with its line end to the consumer and returns the size of the file in bytes.
  ///
  /// @throws IOException if the file is absent, empty or not UTF-8: the file, the place, the
  /// remedy
  static long read(Path file, Consumer<String> lines) throws IOException {
    CorpusLines reader = new CorpusLines(file, lines);
    try (TextInput text = TextInput.openData(file)) {
      if (text.isRecords()) {
        throw new IOException(file + " has records; name a file with text");
      }
      InputStream in = text.stream();
      byte[] block = new byte[1 << 16];
      for (int count = in.read(block); count >= 0; count = in.read(block)) {
        reader.take(block, count);
      }
    }
    reader.emit(reader.length);
    if (reader.lineStart == 0) {
      throw new IOException(file + ": is empty; name a file with text");
    }
    return reader.lineStart;
  }

  private void take(byte[] block, int count) throws IOException {
    int start = 0;
    while (start < count) {
      int end = start;
      while (end < count && block[end] != '\n' && length + end - start < MAX_LINE_BYTES) {
        end++;
      }
      boolean full = length + end - start == MAX_LINE_BYTES;
      boolean lineEnd = !full && end < count;
      end += lineEnd ? 1 : 0;
      System.arraycopy(block, start, line, length, end - start);
      length += end - start;
      start = end;
      if (lineEnd) {
        emit(length);
        lineNumber++;
      } else if (full) {
        emit(wholeCharacters());
      }
    }
  }

  /// How many of the line's bytes come before its last character, which may be cut.
  private int wholeCharacters() {
    int end = length - 1;
    while (end > length - 4 && (line[end] & 0xC0) == 0x80) {
      end--;
    }
    return end;
  }

  private void emit(int count) throws IOException {
    if (count > 0) {
      lines.accept(decode(count));
    }
    System.arraycopy(line, count, line, 0, length - count);
    length -= count;
    lineStart += count;
  }

  private String decode(int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(line, 0, count);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException notUtf8) {
      int bad = bytes.position();
      throw new IOException(
          "%s: line %d, byte offset %d: not UTF-8 (bytes %s); convert the file to UTF-8"
              .formatted(
                  file,
                  lineNumber,
                  lineStart + bad,
                  hex(Arrays.copyOfRange(line, bad, Math.min(bad + 4, count)))),
          notUtf8);
    }
  }

  private static String hex(byte[] bytes) {
    return HexFormat.ofDelimiter(" ").withUpperCase().formatHex(bytes);
  }
}
