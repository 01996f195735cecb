package bitnet.decoder;

import dev.hardwood.metadata.ColumnMetaData;
import dev.hardwood.metadata.CompressionCodec;
import dev.hardwood.metadata.FileMetaData;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.reader.ParquetFileReader;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// Checks what a Parquet file says of its sizes before memory of these sizes is allocated: counts
/// of rows and values add up, and no page becomes larger than its codec can make it.
final class ParquetPages {
  private static final long LARGEST_PAGE_BYTES = 1 << 30;
  private static final long MOST_PAGE_VALUES = 1 << 26;
  private static final int DATA_PAGE = 0;
  private static final int INDEX_PAGE = 1;
  private static final int DICTIONARY_PAGE = 2;
  private static final int DATA_PAGE_V2 = 3;
  private static final int SMALL_BYTES = 1 << 16;

  private final MemorySegment file;
  private final ColumnMetaData column;

  private ParquetPages(MemorySegment file, ColumnMetaData column) {
    this.file = file;
    this.column = column;
  }

  /// What a page's header says.
  ///
  /// @param type its number in the format
  /// @param bytes after decompression, levels included
  /// @param storedBytes behind the header
  /// @param values with those that are null
  /// @param end of the header
  private record Header(int type, long bytes, long storedBytes, long values, long end) {}

  /// @throws IOException if sizes or counts contradict each other
  static void check(MemorySegment file, ParquetFileReader reader) throws IOException {
    FileMetaData footer = reader.getFileMetaData();
    long rows = 0;
    for (RowGroup group : footer.rowGroups()) {
      rows = Math.addExact(rows, group.numRows());
      for (int index = 0; index < group.columns().size(); index++) {
        ColumnMetaData column = group.columns().get(index).metaData();
        boolean flat = reader.getFileSchema().getColumn(index).maxRepetitionLevel() == 0;
        if (flat ? column.numValues() != group.numRows() : column.numValues() < group.numRows()) {
          throw contradiction(column, "the number of its values");
        }
        new ParquetPages(file, column).check(group.columns().get(index).chunkStartOffset());
      }
    }
    if (rows != footer.numRows()) {
      throw new IOException("the row groups do not have the rows that the footer says");
    }
  }

  private void check(long start) throws IOException {
    long end = start + column.totalCompressedSize();
    if (start < 0 || end < start || end > file.byteSize()) {
      throw contradiction(column, "its place");
    }
    long values = 0;
    long position = start;
    while (values < column.numValues()) {
      Header page = header(position, end);
      position = page.end() + page.storedBytes();
      checkSizes(page, end);
      if (page.type() == DATA_PAGE || page.type() == DATA_PAGE_V2) {
        values += page.values();
      }
    }
    if (values != column.numValues()) {
      throw contradiction(column, "the number of its values");
    }
  }

  private void checkSizes(Header page, long end) throws IOException {
    if (page.storedBytes() < 0 || page.storedBytes() > end - page.end()) {
      throw contradiction(column, "the size of a page");
    }
    long most =
        column.codec() == CompressionCodec.UNCOMPRESSED
            ? page.storedBytes()
            : Math.min(LARGEST_PAGE_BYTES, SMALL_BYTES + page.storedBytes() * expansion());
    if (page.bytes() < 0 || page.bytes() > most) {
      throw contradiction(column, "the size of a page");
    }
    long mostValues = page.type() == DICTIONARY_PAGE ? page.bytes() : MOST_PAGE_VALUES;
    if (page.type() != INDEX_PAGE && (page.values() < 0 || page.values() > mostValues)) {
      throw contradiction(column, "the number of a page's values");
    }
  }

  /// How much larger than stored a page can become, at most.
  private long expansion() {
    return switch (column.codec()) {
      case UNCOMPRESSED -> 1;
      case SNAPPY -> 24; // a copy of 64 bytes takes 3
      case LZ4, LZ4_RAW -> 256;
      case GZIP, LZO -> 1100; // deflate: 258 bytes take 2 bits
      case ZSTD, BROTLI -> 1 << 16; // a block of 128 KiB takes 4 bytes
    };
  }

  private Header header(long position, long end) throws IOException {
    CompactThrift thrift = new CompactThrift(file.asSlice(0, end), position);
    int type = -1;
    long bytes = -1;
    long storedBytes = -1;
    long values = -1;
    int last = 0;
    while (thrift.next(last)) {
      last = thrift.field();
      switch (last) {
        case 1 -> type = (int) thrift.number();
        case 2 -> bytes = thrift.number();
        case 3 -> storedBytes = thrift.number();
        case 5, 7, 8 -> values = values(thrift); // of the three types of pages
        default -> thrift.skip();
      }
    }
    return new Header(type, bytes, storedBytes, values, thrift.position());
  }

  private long values(CompactThrift thrift) throws IOException {
    if (!thrift.isStruct()) {
      throw contradiction(column, "a page header");
    }
    long values = -1;
    int last = 0;
    while (thrift.next(last)) {
      last = thrift.field();
      if (last == 1) {
        values = thrift.number();
      } else {
        thrift.skip();
      }
    }
    return values;
  }

  private static IOException contradiction(ColumnMetaData column, String what) {
    return new IOException("column %s: %s is wrong".formatted(column.pathInSchema(), what));
  }
}
