package bitnet.server;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// A client that sends bytes as they are, and reads answers as HTTP frames them.
final class RawClient implements AutoCloseable {
  private static final int TIMEOUT_MILLISECONDS = 60_000;

  private final Socket socket;

  /// @param lines of the head
  record Answer(List<String> lines, String body) {
    int status() {
      return Integer.parseInt(
          lines.getFirst().substring("HTTP/1.1 ".length(), "HTTP/1.1 200".length()));
    }

    boolean hasHeader(String name, String value) {
      return lines.stream()
          .anyMatch(
              line ->
                  line.toLowerCase(Locale.ROOT)
                      .equals((name + ": " + value).toLowerCase(Locale.ROOT)));
    }
  }

  RawClient(URI server) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), server.getPort());
    socket.setSoTimeout(TIMEOUT_MILLISECONDS);
  }

  Socket socket() {
    return socket;
  }

  void send(String text) throws IOException {
    send(text.getBytes(StandardCharsets.UTF_8));
  }

  void send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  /// Sends a POST request with a body of JSON.
  void post(String path, String json) throws IOException {
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    send(
        "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n".formatted(path, body.length)
            + json);
  }

  /// Reads an answer.
  ///
  /// @throws EOFException if the connection ends before it
  Answer read() throws IOException {
    InputStream in = socket.getInputStream();
    List<String> head = new ArrayList<>();
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      head.add(line);
    }
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    if (value(head, "transfer-encoding").equals("chunked")) {
      for (int size = chunkSize(in); size > 0; size = chunkSize(in)) {
        body.write(in.readNBytes(size));
        line(in);
      }
      line(in);
    } else {
      String length = value(head, "content-length");
      body.write(length.isEmpty() ? in.readAllBytes() : in.readNBytes(Integer.parseInt(length)));
    }
    return new Answer(head, body.toString(StandardCharsets.UTF_8));
  }

  private static int chunkSize(InputStream in) throws IOException {
    return Integer.parseInt(line(in), 16);
  }

  private static String value(List<String> head, String name) {
    return head.stream()
        .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst()
        .orElse("");
  }

  private static String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        throw new EOFException("the connection ended after: " + line);
      }
      line.write(next);
    }
    return line.toString(StandardCharsets.UTF_8).stripTrailing();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
