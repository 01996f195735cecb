package bitnet.server;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The keys that let a request in. Keeps their SHA-256 sums, which it compares in constant time.
final class ApiKeys {
  private static final String SCHEME = "Bearer ";

  private final List<byte[]> sums;

  ApiKeys(List<String> keys) {
    this.sums = keys.stream().map(ApiKeys::sum).toList();
  }

  /// Whether the server has no keys, or the header carries one of them.
  boolean admit(@Nullable String authorization) {
    boolean admitted = sums.isEmpty();
    String header = authorization == null ? "" : authorization;
    boolean bears = header.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
    byte[] given = sum(bears ? header.substring(SCHEME.length()).strip() : "");
    for (byte[] sum : sums) {
      boolean equal = MessageDigest.isEqual(sum, given); // for every key, equal or not
      admitted |= bears && equal;
    }
    return admitted;
  }

  private static byte[] sum(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java runtime has SHA-256", impossible);
    }
  }
}
