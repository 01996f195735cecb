package bitnet.corpus;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/// Keys of documents, whose order as unsigned bytes is the order in the shards.
///
/// @param order of the documents
/// @param seed of the shuffled order
/// @param files how many the corpus has
public record DocumentKeys(DocumentOrder order, long seed, int files) implements Serializable {
  /// Bytes of the name of a text: so many of SHA-256 that two texts of a corpus do not meet.
  public static final int HASH_BYTES = 16;

  private static final int POSITION_BYTES = Integer.BYTES + Long.BYTES;

  /// The name of a text: the beginning of the SHA-256 of its UTF-8 bytes.
  public static byte[] hash(String text) {
    return Arrays.copyOf(sha256().digest(text.getBytes(StandardCharsets.UTF_8)), HASH_BYTES);
  }

  /// The length of a key.
  public int bytes() {
    return switch (order) {
      case SHUFFLED -> HASH_BYTES + POSITION_BYTES;
      case CORPUS -> POSITION_BYTES;
    };
  }

  /// The key of a document. Those of equal texts differ in their ends only, where the order is
  /// shuffled.
  ///
  /// @param hash of its text
  /// @param file counted from 0
  /// @param document in the file, counted from 0
  public byte[] of(byte[] hash, int file, long document) {
    ByteBuffer key = ByteBuffer.allocate(bytes());
    if (order == DocumentOrder.SHUFFLED) {
      byte[] seeded = ByteBuffer.allocate(Long.BYTES + hash.length).putLong(seed).put(hash).array();
      key.put(sha256().digest(seeded), 0, HASH_BYTES);
    }
    return key.putInt(file).putLong(document).array();
  }

  /// One of several ranges of keys, which follow each other and are about equally large.
  ///
  /// @param key may be followed by other bytes
  /// @return from 0 to below `ranges`
  public int range(byte[] key, int ranges) {
    ByteBuffer start = ByteBuffer.wrap(key);
    return switch (order) {
      case SHUFFLED -> (int) Math.unsignedMultiplyHigh(start.getLong(), ranges);
      case CORPUS -> (int) ((long) start.getInt() * ranges / files);
    };
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException("every JDK has SHA-256", missing);
    }
  }
}
