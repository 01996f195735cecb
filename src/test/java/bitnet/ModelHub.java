package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/// A Hugging Face hub on this machine that has one model, `shakespeare/tiny`: a directory.
final class ModelHub implements AutoCloseable {
  static final String NAME = "shakespeare/tiny";
  static final String COMMIT = "89abcdef0123456789abcdef0123456789abcdef";
  private static final int PIECE_BYTES = 8192;

  /// Bytes of files that were sent.
  final AtomicLong sentBytes = new AtomicLong();

  private final Path model;
  private final long pauseMillis;
  private final HttpServer server;

  /// @param pauseMillis waited after each 8 KiB, so that a client can be killed in between
  ModelHub(Path model, long pauseMillis) throws IOException {
    this.model = model;
    this.pauseMillis = pauseMillis;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.start();
  }

  /// The variables that send a client here.
  ///
  /// @param home of the client's cache
  Map<String, String> environment(Path home) {
    return Map.of(
        "HF_ENDPOINT",
        "http://127.0.0.1:" + server.getAddress().getPort(),
        "HF_HOME",
        home.toString(),
        "HF_HUB_CACHE",
        home.resolve("hub").toString(),
        "HF_HUB_OFFLINE",
        "0");
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    String file = "/" + NAME + "/resolve/" + COMMIT + "/";
    if (path.startsWith("/api/models/" + NAME + "/revision/")) {
      send(exchange, "{\"sha\": \"%s\", \"siblings\": [%s]}".formatted(COMMIT, siblings()));
    } else if (path.startsWith(file)) {
      send(exchange, Files.readAllBytes(model.resolve(path.substring(file.length()))));
    } else { // a mirror without hashes
      exchange.getResponseHeaders().add("X-Error-Code", "RepoNotFound");
      exchange.sendResponseHeaders(404, -1);
      exchange.close();
    }
  }

  private String siblings() throws IOException {
    try (Stream<Path> files = Files.list(model)) {
      List<String> names =
          files
              .filter(Files::isRegularFile)
              .map(each -> "{\"rfilename\": \"%s\"}".formatted(each.getFileName()))
              .toList();
      return String.join(", ", names);
    }
  }

  private static void send(HttpExchange exchange, String json) throws IOException {
    exchange.sendResponseHeaders(200, json.length());
    exchange.getResponseBody().write(json.getBytes(UTF_8));
    exchange.close();
  }

  private void send(HttpExchange exchange, byte[] content) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    int from = range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
    exchange
        .getResponseHeaders()
        .add("Content-Range", "bytes %d-%d/%d".formatted(from, content.length - 1, content.length));
    exchange.sendResponseHeaders(range == null ? 200 : 206, content.length - from);
    for (int first = from; first < content.length; first += PIECE_BYTES) {
      byte[] piece =
          Arrays.copyOfRange(content, first, Math.min(content.length, first + PIECE_BYTES));
      exchange.getResponseBody().write(piece);
      exchange.getResponseBody().flush();
      sentBytes.addAndGet(piece.length);
      try {
        Thread.sleep(pauseMillis);
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
        return;
      }
    }
    exchange.close();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
