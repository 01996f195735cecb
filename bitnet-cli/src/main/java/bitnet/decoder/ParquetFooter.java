package bitnet.decoder;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Checks the structure of a Parquet file's footer, so that no text or list in it is longer than
/// the footer itself: the library allocates what they claim.
final class ParquetFooter {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int MAGIC = 0x31524150; // PAR1

  private ParquetFooter() {}

  /// @throws IOException if the file is cut off or its footer damaged
  static void check(MemorySegment file) throws IOException {
    long lengthAt = file.byteSize() - 2 * Integer.BYTES;
    if (lengthAt < Integer.BYTES || file.get(INT, lengthAt + Integer.BYTES) != MAGIC) {
      throw new IOException("the file does not end with PAR1, so it is cut off or encrypted");
    }
    long length = Integer.toUnsignedLong(file.get(INT, lengthAt));
    if (length > lengthAt - Integer.BYTES) {
      throw new IOException("the footer is longer than the file");
    }
    CompactThrift thrift = new CompactThrift(file.asSlice(0, lengthAt), lengthAt - length);
    int last = 0;
    while (thrift.next(last)) {
      last = thrift.field();
      thrift.skip();
    }
  }
}
