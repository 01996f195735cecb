package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A Hugging Face hub on this machine. Each of its repositories is a directory; one is the model
/// `shakespeare/tiny`.
final class ModelHub implements AutoCloseable {
  static final String NAME = "shakespeare/tiny";
  static final String COMMIT = "89abcdef0123456789abcdef0123456789abcdef";
  private static final int OK = 200;
  private static final int PARTIAL = 206;
  private static final int NOT_FOUND = 404;

  /// Bytes of files that were sent.
  final AtomicLong sentBytes = new AtomicLong();

  /// Whether it says sizes and hashes; a mirror may not.
  volatile boolean hasTree;

  /// A pause follows each piece of so many bytes.
  volatile int pieceBytes = 8192;

  private final Map<String, Path> repositories = new ConcurrentHashMap<>();
  private final long pauseMillis;
  private final HttpServer server;

  /// @param pauseMillis waited after each piece, so that a client can be killed in between
  ModelHub(Path model, long pauseMillis) throws IOException {
    this.pauseMillis = pauseMillis;
    repositories.put("models/" + NAME, model);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.start();
  }

  /// Adds a dataset.
  ///
  /// @param name `ORG/NAME`
  void addDataset(String name, Path directory) {
    repositories.put("datasets/" + name, directory);
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
    for (Map.Entry<String, Path> repository : repositories.entrySet()) {
      String api = "/api/" + repository.getKey();
      String files = "/" + repository.getKey().replaceFirst("^models/", "") + "/resolve/";
      Path directory = repository.getValue();
      if (path.startsWith(api + "/revision/") || path.equals(api)) {
        send(exchange, info(repository.getKey().replaceFirst("^\\w+/", ""), directory));
        return;
      } else if (path.startsWith(api + "/tree/") && hasTree) {
        send(exchange, tree(directory));
        return;
      } else if (path.startsWith(files)) {
        // behind the revision
        String name = path.substring(path.indexOf('/', files.length()) + 1);
        if (Files.isRegularFile(directory.resolve(name))) {
          sendFile(exchange, Files.readAllBytes(directory.resolve(name)));
          return;
        }
        refuse(exchange, "EntryNotFound");
        return;
      }
    }
    refuse(exchange, "RepoNotFound");
  }

  private static void refuse(HttpExchange exchange, String code) throws IOException {
    exchange.getResponseHeaders().add("X-Error-Code", code);
    exchange.getResponseHeaders().add("X-Repo-Commit", COMMIT);
    exchange.sendResponseHeaders(NOT_FOUND, -1);
    exchange.close();
  }

  private static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(Files::isRegularFile).map(directory::relativize).sorted().toList();
    }
  }

  private static String info(String name, Path directory) throws IOException {
    String siblings =
        files(directory).stream()
            .map("{\"rfilename\": \"%s\"}"::formatted)
            .collect(Collectors.joining(", "));
    return "{\"id\": \"%s\", \"sha\": \"%s\", \"siblings\": [%s]}"
        .formatted(name, COMMIT, siblings);
  }

  private static String tree(Path directory) throws IOException {
    StringBuilder entries = new StringBuilder();
    for (Path file : files(directory)) {
      byte[] content = Files.readAllBytes(directory.resolve(file));
      entries
          .append(entries.isEmpty() ? "" : ",")
          .append(
              "{\"type\": \"file\", \"path\": \"%s\", \"size\": %d, \"oid\": \"%s\"}"
                  .formatted(file, content.length, blobHash(content)));
    }
    return "[" + entries + "]";
  }

  /// As git names a file.
  private static String blobHash(byte[] content) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-1");
      digest.update(("blob " + content.length + "\0").getBytes(UTF_8));
      return HexFormat.of().formatHex(digest.digest(content));
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException(missing);
    }
  }

  private static void send(HttpExchange exchange, String json) throws IOException {
    byte[] bytes = json.getBytes(UTF_8);
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(OK, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private void sendFile(HttpExchange exchange, byte[] content) throws IOException {
    exchange.getResponseHeaders().add("X-Repo-Commit", COMMIT);
    exchange.getResponseHeaders().add("ETag", "\"" + blobHash(content) + "\"");
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().add("Content-Length", Integer.toString(content.length));
      exchange.sendResponseHeaders(OK, -1);
      exchange.close();
      return;
    }
    String range = exchange.getRequestHeaders().getFirst("Range");
    int from = 0;
    int end = content.length;
    if (range != null) {
      String[] ends = range.replace("bytes=", "").split("-", 2);
      from = Integer.parseInt(ends[0]);
      end = ends[1].isEmpty() ? end : Integer.parseInt(ends[1]) + 1;
      exchange
          .getResponseHeaders()
          .add("Content-Range", "bytes %d-%d/%d".formatted(from, end - 1, content.length));
    }
    exchange.sendResponseHeaders(range == null ? OK : PARTIAL, end == from ? -1 : end - from);
    for (int first = from; first < end; first += pieceBytes) {
      int length = Math.min(end - first, pieceBytes);
      exchange.getResponseBody().write(content, first, length);
      exchange.getResponseBody().flush();
      sentBytes.addAndGet(length);
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
