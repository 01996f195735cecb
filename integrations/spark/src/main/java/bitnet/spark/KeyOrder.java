package bitnet.spark;

import java.util.Arrays;
import java.util.Comparator;

/// Orders keys as unsigned bytes.
enum KeyOrder implements Comparator<byte[]> {
  UNSIGNED;

  @Override
  public int compare(byte[] one, byte[] other) {
    return Arrays.compareUnsigned(one, other);
  }

  /// A hash of a key: FNV-1a.
  static long hash(byte[] key) {
    long hash = 0xCBF29CE484222325L;
    for (byte each : key) {
      hash = (hash ^ (each & 0xFF)) * 0x100000001B3L;
    }
    return hash;
  }

  /// Two keys as one, the first before the second.
  static byte[] joined(byte[] first, byte... second) {
    byte[] key = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, key, first.length, second.length);
    return key;
  }
}
