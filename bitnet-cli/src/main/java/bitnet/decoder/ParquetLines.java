package bitnet.decoder;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.hardwood.HardwoodContext;
import dev.hardwood.InputFile;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Objects;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/// The rows of a Parquet file as JSON lines. Rows are read as their bytes are asked for.
final class ParquetLines extends InputStream {
  private static final long SLICE_BYTES = 32 << 20;

  /// The library reports its choice of decoders, which users of a command did not ask for.
  private static final Logger QUIET = Logger.getLogger("dev.hardwood");

  private static final JsonFactory JSON = new JsonFactory();

  private final HardwoodContext context;
  private final ParquetFileReader reader;
  private final Iterator<RowSlice> slices;
  private final long count;
  private byte[] line = new byte[0];
  private int position;
  private long row;
  private @Nullable RowReader rows;

  private ParquetLines(HardwoodContext context, ParquetFileReader reader, long sliceBytes) {
    this.context = context;
    this.reader = reader;
    this.slices = RowSlice.of(reader, sliceBytes).iterator();
    this.count = reader.getFileMetaData().numRows();
  }

  /// @throws IOException if the file is damaged, as far as its footer and page headers tell
  static ParquetLines open(Path file) throws IOException {
    return open(file, SLICE_BYTES);
  }

  /// @param sliceBytes that are decoded at once, about
  static ParquetLines open(Path file, long sliceBytes) throws IOException {
    QUIET.setLevel(Level.WARNING);
    HardwoodContext context = HardwoodContext.create(1);
    try (FileChannel channel = FileChannel.open(file);
        Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      ParquetFooter.check(bytes);
      ParquetFileReader reader = ParquetFileReader.open(InputFile.of(file), context);
      try {
        ParquetPages.check(bytes, reader);
        return new ParquetLines(context, reader, sliceBytes);
      } catch (IOException | RuntimeException damaged) {
        reader.close();
        throw damaged;
      }
    } catch (IOException | RuntimeException damaged) {
      context.close();
      throw damaged;
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, buffer.length);
    if (length > 0 && position == line.length && !nextLine()) {
      return -1;
    }
    int copied = Math.min(length, line.length - position);
    System.arraycopy(line, position, buffer, offset, copied);
    position += copied;
    return copied;
  }

  private boolean nextLine() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      RowReader current = slice();
      if (current == null) {
        requireAllRows();
        return false;
      }
      current.next();
      RowJson.write(current, json);
    } catch (RuntimeException damaged) {
      throw new IOException("row %,d: %s".formatted(row + 1, reason(damaged)), damaged);
    }
    bytes.write('\n');
    line = bytes.toByteArray();
    position = 0;
    row++;
    return true;
  }

  private void requireAllRows() throws IOException {
    if (row < count) {
      throw new IOException("%,d of %,d rows are missing".formatted(count - row, count));
    }
  }

  /// The message of the root cause. An OutOfMemoryError is rethrown: it is not damage of the file.
  private static String reason(RuntimeException damaged) {
    Throwable deepest = damaged;
    while (deepest.getCause() != null) {
      deepest = deepest.getCause();
    }
    if (deepest instanceof OutOfMemoryError memory) {
      throw memory;
    }
    return String.valueOf(deepest.getMessage());
  }

  /// The reader of the next row, or null behind the last one.
  private @Nullable RowReader slice() {
    while (rows == null || !rows.hasNext()) {
      if (!slices.hasNext()) {
        return null;
      }
      if (rows != null) {
        rows.close();
      }
      rows = slices.next().open(reader);
    }
    return rows;
  }

  @Override
  public void close() throws IOException {
    if (rows != null) {
      rows.close();
    }
    reader.close();
    context.close();
  }
}
