package bitnet.decoder;

import dev.hardwood.metadata.ColumnChunk;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowGroupPredicate;
import dev.hardwood.reader.RowReader;
import java.util.ArrayList;
import java.util.List;

/// Rows that are read at once. The library decodes hundreds of thousands of them ahead, however
/// long they are.
///
/// @param first row
/// @param count of rows, at least 1
/// @param groups that have these rows
record RowSlice(long first, long count, List<RowGroup> groups) {
  private static final long FEWEST_ROWS = 4;

  /// Copies the list.
  RowSlice {
    groups = List.copyOf(groups);
  }

  /// The rows of a file in slices of about so many bytes. A row group with lists or groups in it
  /// is one slice at least: only rows of plain columns can be counted off.
  static List<RowSlice> of(ParquetFileReader reader, long sliceBytes) {
    boolean flat = reader.getFileSchema().isFlatSchema();
    List<RowSlice> slices = new ArrayList<>();
    List<RowGroup> together = new ArrayList<>();
    long first = 0;
    long bytes = 0;
    long row = 0;
    for (RowGroup group : reader.getFileMetaData().rowGroups()) {
      if (row > first && bytes + group.totalByteSize() > sliceBytes) {
        slices.add(new RowSlice(first, row - first, together));
        together.clear();
        first = row;
        bytes = 0;
      }
      together.add(group);
      bytes += group.totalByteSize();
      row += group.numRows();
      if (flat && bytes > sliceBytes) { // this group alone
        long rowBytes = Math.max(1, bytes / Math.max(1, group.numRows()));
        long rows = Math.max(FEWEST_ROWS, sliceBytes / rowBytes);
        for (; row - first > rows; first += rows) {
          slices.add(new RowSlice(first, rows, together));
        }
      }
    }
    if (row > first) {
      slices.add(new RowSlice(first, row - first, together));
    }
    return slices;
  }

  /// A reader of these rows.
  RowReader open(ParquetFileReader reader) {
    if (reader.getFileSchema().isFlatSchema()) {
      return reader.buildRowReader().skip(first).head(count).build();
    }
    RowGroupPredicate range =
        RowGroupPredicate.byteRange(middle(groups.getFirst()), middle(groups.getLast()) + 1);
    return reader.buildRowReader().filter(range).build();
  }

  /// The place by which the library tells a row group.
  private static long middle(RowGroup group) {
    long bytes =
        group.columns().stream().mapToLong(chunk -> chunk.metaData().totalCompressedSize()).sum();
    ColumnChunk start = group.columns().getFirst();
    return start.chunkStartOffset() + bytes / 2;
  }
}
