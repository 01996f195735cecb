package bitnet.hub;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/// A hub and its CDN, on two ports, that fail as they are told.
final class HubServer implements AutoCloseable {
  static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
  private static final int OK = 200;

  /// What happens to the next request for a file's content.
  interface Fault {
    /// Whether the request was answered.
    boolean answer(HttpExchange exchange, byte[] content) throws IOException;
  }

  final Map<String, byte[]> files = new TreeMap<>();
  final ConcurrentLinkedQueue<Fault> faults = new ConcurrentLinkedQueue<>();
  final ConcurrentLinkedQueue<Integer> apiStatuses = new ConcurrentLinkedQueue<>();
  final List<String> hubTokens = new CopyOnWriteArrayList<>();
  final List<String> cdnTokens = new CopyOnWriteArrayList<>();
  final List<String> requests = new CopyOnWriteArrayList<>();
  final List<String> ranges = new CopyOnWriteArrayList<>();
  final AtomicLong contentBytes = new AtomicLong();
  volatile String errorCode = "";
  volatile boolean hasTree = true;
  volatile boolean hasRanges = true;
  volatile boolean hasWrongHashes;

  /// By how much the sizes in the listing are wrong.
  volatile int sizeError;

  /// Entries of a page of the listing.
  volatile int pageEntries = Integer.MAX_VALUE;

  /// How many answers of the API stall after half of their body.
  final AtomicInteger stalls = new AtomicInteger();

  /// Where everything has moved to; empty: it is here.
  volatile String movedTo = "";

  private final HttpServer hub = server(this::hub);
  private final HttpServer cdn = server(this::cdn);

  private static HttpServer server(com.sun.net.httpserver.HttpHandler handler) {
    try {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.createContext("/", handler);
      server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
      server.start();
      return server;
    } catch (IOException noPort) {
      throw new java.io.UncheckedIOException(noPort);
    }
  }

  String endpoint() {
    return "http://127.0.0.1:" + hub.getAddress().getPort();
  }

  private static String token(HttpExchange exchange) {
    String header = exchange.getRequestHeaders().getFirst("Authorization");
    return header == null ? "" : header;
  }

  private void hub(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getRawPath();
    requests.add(path);
    hubTokens.add(token(exchange));
    if (!movedTo.isEmpty()) {
      String query = exchange.getRequestURI().getRawQuery();
      redirect(exchange, 308, movedTo + path + (query == null ? "" : "?" + query));
    } else if (path.startsWith("/old/")) { // a renamed repository
      redirect(exchange, 307, path.replace("/old/", "/org/"));
    } else if (path.startsWith("/api/models/old/")) {
      redirect(exchange, 307, path.replace("/old/", "/org/"));
    } else if (path.contains("/resolve/")) {
      String file = path.substring(path.indexOf(COMMIT) + COMMIT.length() + 1);
      String cdnHost = "http://localhost:" + cdn.getAddress().getPort();
      redirect(exchange, 302, cdnHost + "/" + file + "?signature=secret");
    } else {
      api(exchange, path);
    }
  }

  private void api(HttpExchange exchange, String path) throws IOException {
    Integer status = apiStatuses.poll();
    if (status != null || (path.contains("/tree/") && !hasTree)) {
      exchange.getResponseHeaders().add("X-Error-Code", errorCode);
      exchange.getResponseHeaders().add("Retry-After", "0");
      exchange.sendResponseHeaders(status == null ? 404 : status, -1);
      exchange.close();
      return;
    }
    String text = path.contains("/tree/") ? "[" + tree(exchange) + "]" : info();
    byte[] bytes = text.getBytes(UTF_8);
    exchange.sendResponseHeaders(OK, bytes.length);
    if (stalls.getAndDecrement() > 0) {
      exchange.getResponseBody().write(bytes, 0, bytes.length / 2);
      exchange.getResponseBody().flush();
      HubHttp.sleep(Duration.ofSeconds(20));
    }
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private String info() {
    return "{\"sha\":\"%s\",\"siblings\":[%s]}"
        .formatted(
            COMMIT,
            files.keySet().stream().map(HubServer::sibling).collect(Collectors.joining(",")));
  }

  /// A page of the listing, with the address of the next one.
  private String tree(HttpExchange exchange) {
    String query = exchange.getRequestURI().getRawQuery();
    int first =
        query != null && query.contains("cursor=")
            ? Integer.parseInt(query.replaceAll(".*cursor=", ""))
            : 0;
    int end = (int) Math.min(files.size(), (long) first + pageEntries);
    if (end < files.size()) { // of the hub itself, whatever mirror was asked
      String address =
          "https://huggingface.co%s?recursive=true&cursor=%d"
              .formatted(exchange.getRequestURI().getRawPath(), end);
      exchange.getResponseHeaders().add("Link", "<" + address + ">; rel=\"next\"");
    }
    return files.entrySet().stream()
        .skip(first)
        .limit(end - first)
        .map(file -> entry(file.getKey(), file.getValue()))
        .collect(Collectors.joining(","));
  }

  private static String sibling(String name) {
    return "{\"rfilename\":\"%s\"}".formatted(name);
  }

  private String entry(String name, byte[] content) {
    String lfs =
        name.endsWith(".json")
            ? ""
            : ",\"lfs\":{\"oid\":\"%s\",\"size\":%d}"
                .formatted(sha256(content), content.length + sizeError);
    return "{\"type\":\"file\",\"path\":\"%s\",\"size\":%d,\"oid\":\"%s\"%s}"
        .formatted(name, content.length, gitSha1(content), lfs);
  }

  private String sha256(byte[] content) {
    return hasWrongHashes ? "0".repeat(64) : hash("SHA-256", content);
  }

  static String gitSha1(byte[] content) {
    byte[] head = ("blob " + content.length + "\0").getBytes(UTF_8);
    byte[] all = Arrays.copyOf(head, head.length + content.length);
    System.arraycopy(content, 0, all, head.length, content.length);
    return hash("SHA-1", all);
  }

  static String hash(String algorithm, byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static void redirect(HttpExchange exchange, int status, String to) throws IOException {
    exchange.getResponseHeaders().add("Location", to);
    exchange.sendResponseHeaders(status, -1);
    exchange.close();
  }

  private void cdn(HttpExchange exchange) throws IOException {
    cdnTokens.add(token(exchange));
    byte[] content =
        files.getOrDefault(exchange.getRequestURI().getPath().substring(1), new byte[0]);
    boolean large = !exchange.getRequestURI().getPath().endsWith(".json");
    Fault fault = large ? faults.poll() : null;
    if (fault != null && fault.answer(exchange, content)) {
      return;
    }
    send(exchange, content, Integer.MAX_VALUE);
  }

  /// Sends the wanted range, but at most so many bytes of it; then the connection drops.
  void send(HttpExchange exchange, byte[] content, int most) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    int from = 0;
    int end = content.length;
    if (range != null) {
      ranges.add(range);
    }
    if (range != null && hasRanges) {
      String[] ends = range.replace("bytes=", "").split("-", 2);
      from = Integer.parseInt(ends[0]);
      end = ends[1].isEmpty() ? end : Math.min(end, Integer.parseInt(ends[1]) + 1);
      if (from >= end) {
        exchange.sendResponseHeaders(416, -1);
        exchange.close();
        return;
      }
      exchange
          .getResponseHeaders()
          .add("Content-Range", "bytes %d-%d/%d".formatted(from, end - 1, content.length));
    }
    int length = end - from;
    exchange.sendResponseHeaders(range != null && hasRanges ? 206 : OK, length == 0 ? -1 : length);
    int sent = Math.min(most, length);
    exchange.getResponseBody().write(content, from, sent);
    exchange.getResponseBody().flush();
    contentBytes.addAndGet(sent);
    exchange.close();
  }

  @Override
  public void close() {
    hub.stop(0);
    cdn.stop(0);
  }
}
