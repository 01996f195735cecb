package bitnet.server;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Objects;

/// The page for a conversation in a browser, which is one file and loads no other.
///
/// @param html its text
/// @param policy its content security policy: only its own style and script run, and only this
///     server is called
record ChatPage(String html, String policy) {
  private static final String FILE = "chat.html";

  /// The page that comes with the server.
  static ChatPage load() {
    try (InputStream in = Objects.requireNonNull(ChatPage.class.getResourceAsStream(FILE), FILE)) {
      String html = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return new ChatPage(
          html,
          "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action"
              + " 'none';"
              + " frame-ancestors 'none'; style-src %s; script-src %s"
                  .formatted(hash(html, "style"), hash(html, "script")));
    } catch (IOException damaged) {
      throw new UncheckedIOException(damaged);
    }
  }

  /// How a policy names the content of the element.
  private static String hash(String html, String element) {
    int start = html.indexOf("<" + element + ">") + element.length() + 2;
    String content = html.substring(start, html.indexOf("</" + element + ">"));
    try {
      byte[] sum =
          MessageDigest.getInstance("SHA-256").digest(content.getBytes(StandardCharsets.UTF_8));
      return "'sha256-" + Base64.getEncoder().encodeToString(sum) + "'";
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java runtime has SHA-256", impossible);
    }
  }
}
