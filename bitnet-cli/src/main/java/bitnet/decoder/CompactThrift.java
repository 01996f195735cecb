package bitnet.decoder;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Reads structures of Thrift's compact protocol, as far as Parquet needs it.
final class CompactThrift {
  private static final int DEEPEST = 16;
  private static final int FALSE = 2;
  private static final int BYTE = 3;
  private static final int I64 = 6;
  private static final int DOUBLE = 7;
  private static final int BINARY = 8;
  private static final int LIST = 9;
  private static final int SET = 10;
  private static final int STRUCT = 12;

  private final MemorySegment bytes;
  private long position;
  private int type;
  private int field;

  CompactThrift(MemorySegment bytes, long position) {
    this.bytes = bytes;
    this.position = position;
  }

  long position() {
    return position;
  }

  /// Goes to the next field of a structure; false at its end.
  ///
  /// @param previous field of the structure, 0 at its beginning
  boolean next(int previous) throws IOException {
    int head = octet();
    type = head & 0xF;
    field = (head >>> 4) == 0 && type != 0 ? Math.toIntExact(zigzag()) : previous + (head >>> 4);
    return type != 0;
  }

  /// The number of the field.
  int field() {
    return field;
  }

  boolean isStruct() {
    return type == STRUCT;
  }

  /// The field's value.
  ///
  /// @throws IOException if it is not a whole number
  long number() throws IOException {
    if (type < BYTE || type > I64) {
      throw damaged();
    }
    return type == BYTE ? (byte) octet() : zigzag();
  }

  /// Passes over the field's value.
  void skip() throws IOException {
    skip(type, 0);
  }

  private void skip(int kind, int depth) throws IOException {
    if (depth > DEEPEST) {
      throw damaged();
    }
    if (kind <= FALSE) { // the value is the type
      return;
    }
    if (kind == BYTE) {
      position++;
    } else if (kind <= I64) {
      varint();
    } else if (kind == DOUBLE) {
      position += Double.BYTES;
    } else if (kind == BINARY) {
      long length = length(varint()); // moves the position
      position += length;
    } else if (kind == LIST || kind == SET) {
      skipList(depth);
    } else if (kind == STRUCT) {
      int last = 0;
      while (next(last)) {
        last = field;
        skip(type, depth + 1);
      }
    } else { // a map: Parquet has none
      throw damaged();
    }
  }

  private void skipList(int depth) throws IOException {
    int head = octet();
    int element = head & 0xF;
    long count = head >>> 4 == 0xF ? length(varint()) : head >>> 4;
    for (long i = 0; i < count; i++) {
      if (element <= FALSE) {
        position++;
      } else {
        skip(element, depth + 1);
      }
    }
  }

  private long length(long value) throws IOException {
    if (value < 0 || value > bytes.byteSize() - position) {
      throw damaged();
    }
    return value;
  }

  private long zigzag() throws IOException {
    long value = varint();
    return value >>> 1 ^ -(value & 1);
  }

  private long varint() throws IOException {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      int next = octet();
      value |= (long) (next & 0x7F) << shift;
      if (next < 0x80) {
        return value;
      }
    }
    throw damaged();
  }

  private int octet() throws IOException {
    if (position < 0 || position >= bytes.byteSize()) {
      throw damaged();
    }
    return bytes.get(ValueLayout.JAVA_BYTE, position++) & 0xFF;
  }

  private static IOException damaged() {
    return new IOException("the footer or a page header is damaged");
  }
}
