package bitnet.storage;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// A short name of content: the beginning of its SHA-256.
public final class ContentDigest {
  private static final int BYTES = 8;

  private final MessageDigest sum = sha256();

  /// The name of some bytes.
  public static String of(byte[] content) {
    ContentDigest digest = new ContentDigest();
    digest.update(ByteBuffer.wrap(content));
    return digest.hex();
  }

  /// The name of a file's content.
  public static String of(Path file) throws IOException {
    return sha256(file).substring(0, 2 * BYTES);
  }

  /// The whole SHA-256 of a file's content, in hexadecimal.
  public static String sha256(Path file) throws IOException {
    MessageDigest sum = sha256();
    byte[] buffer = new byte[1 << 18];
    try (InputStream in = Files.newInputStream(file)) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        sum.update(buffer, 0, count);
      }
    }
    return HexFormat.of().formatHex(sum.digest());
  }

  /// Adds the remaining bytes of a buffer.
  public void update(ByteBuffer more) {
    sum.update(more);
  }

  /// The name of all that was added. Nothing can be added afterwards.
  public String hex() {
    return HexFormat.of().formatHex(sum.digest(), 0, BYTES);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException("every JDK has SHA-256", missing);
    }
  }
}
