package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;

/// Chromium without a window, driven through its DevTools protocol.
final class Browser implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern PORT = Pattern.compile("DevTools listening on ws://[^:]+:(\\d+)/");
  private static final int SECONDS = 60;

  private final Process process;
  private final Path profile;
  private final HttpClient http = HttpClient.newHttpClient();
  private final String address;

  private Browser(Process process, Path profile, String address) {
    this.process = process;
    this.profile = profile;
    this.address = address;
  }

  /// What a page looked like.
  ///
  /// @param image all of it, as high as it is
  /// @param width of its content, in CSS pixels; more than the window's if it overflows
  /// @param smallestText of its plots, in CSS pixels
  /// @param complaints of the console, and addresses that were loaded besides the page
  record View(BufferedImage image, int width, double smallestText, List<String> complaints) {}

  /// The program, if there is one.
  static Optional<Path> installed() {
    String path = System.getenv().getOrDefault("PATH", "");
    return Stream.of("chromium", "chromium-browser", "google-chrome")
        .flatMap(
            name ->
                Stream.of(path.split(File.pathSeparator, -1))
                    .map(directory -> Path.of(directory, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /// Starts it.
  ///
  /// @param directory for its files
  static Browser start(Path program, Path directory) throws Exception {
    Path log = directory.resolve("chromium.log");
    Path profile = directory.resolve("profile");
    Process process =
        new ProcessBuilder(
                program.toString(),
                "--headless=new",
                "--no-sandbox", // which root cannot have
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank")
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (System.nanoTime() < deadline && process.isAlive()) {
      Matcher port = PORT.matcher(Files.readString(log));
      if (port.find()) {
        return new Browser(process, profile, "http://127.0.0.1:" + port.group(1));
      }
      Thread.sleep(50);
    }
    process.destroyForcibly();
    throw new AssertionError("Chromium did not start: " + Files.readString(log));
  }

  /// Looks at a page in a window of that width.
  View look(URI page, int width, boolean dark) throws Exception {
    try (Tab tab = visit(page, width, dark)) {
      double smallest =
          tab.evaluate(
                  """
                  Math.min(...[...document.querySelectorAll('figure svg[role] text')].map(t =>
                    parseFloat(getComputedStyle(t).fontSize)
                      * t.ownerSVGElement.getBoundingClientRect().width
                      / t.ownerSVGElement.viewBox.baseVal.width))
                  """)
              .asDouble();
      return new View(tab.image(), tab.contentWidth(), smallest, tab.complaints(page));
    }
  }

  /// Opens a page in a window of that width.
  Tab visit(URI page, int width, boolean dark) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(address + "/json/new?about:blank"))
            .PUT(HttpRequest.BodyPublishers.noBody())
            .build();
    JsonNode made = JSON.readTree(http.send(request, HttpResponse.BodyHandlers.ofString()).body());
    Tab tab = new Tab(http, URI.create(made.path("webSocketDebuggerUrl").asText()));
    for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
      tab.call(domain + ".enable", Map.of());
    }
    tab.call(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", 800, "deviceScaleFactor", 1, "mobile", width < 600));
    tab.call(
        "Emulation.setEmulatedMedia",
        Map.of(
            "features",
            List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
    tab.call("Page.navigate", Map.of("url", page.toString()));
    tab.awaitLoaded();
    return tab;
  }

  @Override
  public void close() throws IOException {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
    process.onExit().orTimeout(SECONDS, TimeUnit.SECONDS).join();
    for (String lock : List.of("SingletonLock", "SingletonCookie", "SingletonSocket")) {
      Files.deleteIfExists(profile.resolve(lock)); // JUnit warns of links out of its directory
    }
  }

  /// A tab, which answers calls and reports events.
  static final class Tab implements WebSocket.Listener, AutoCloseable {
    private final BlockingQueue<JsonNode> messages = new LinkedBlockingQueue<>();
    private final List<JsonNode> events = new ArrayList<>();
    private final StringBuilder partial = new StringBuilder();
    private final WebSocket socket;
    private int calls;

    Tab(HttpClient http, URI address) {
      socket = http.newWebSocketBuilder().buildAsync(address, this).join();
    }

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence text, boolean last) {
      partial.append(text);
      if (last) {
        try {
          messages.add(JSON.readTree(partial.toString()));
        } catch (IOException e) {
          throw new AssertionError(e);
        }
        partial.setLength(0);
      }
      from.request(1);
      return null;
    }

    JsonNode call(String method, Map<String, ?> parameters) throws Exception {
      int id = ++calls;
      socket
          .sendText(
              JSON.writeValueAsString(Map.of("id", id, "method", method, "params", parameters)),
              true)
          .join();
      JsonNode answer = next();
      while (answer.path("id").asInt() != id) {
        events.add(answer);
        answer = next();
      }
      assertThat(answer.has("error")).as("%s: %s", method, answer).isFalse();
      return answer.path("result");
    }

    void awaitLoaded() throws Exception {
      while (events.stream()
          .noneMatch(event -> event.path("method").asText().equals("Page.loadEventFired"))) {
        events.add(next());
      }
    }

    /// The value of a JavaScript expression.
    JsonNode evaluate(String expression) throws Exception {
      JsonNode answer = call("Runtime.evaluate", Map.of("expression", expression));
      assertThat(answer.has("exceptionDetails")).as("%s: %s", expression, answer).isFalse();
      return answer.path("result").path("value");
    }

    /// Waits until a JavaScript condition holds.
    void await(String condition) throws Exception {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (!evaluate("Boolean(%s)".formatted(condition)).asBoolean()) {
        assertThat(System.nanoTime()).as(condition).isLessThan(deadline);
        Thread.sleep(20);
      }
    }

    /// The width of the content, in CSS pixels; more than the window's if it overflows.
    int contentWidth() throws Exception {
      return evaluate("document.documentElement.scrollWidth").asInt();
    }

    /// All of the page, as high as it is.
    BufferedImage image() throws Exception {
      JsonNode shot = call("Page.captureScreenshot", Map.of("captureBeyondViewport", true));
      byte[] png = Base64.getDecoder().decode(shot.path("data").asText());
      return ImageIO.read(new ByteArrayInputStream(png));
    }

    List<String> complaints(URI page) {
      List<String> complaints = new ArrayList<>();
      for (JsonNode event : events) {
        String url = event.path("params").path("request").path("url").asText();
        switch (event.path("method").asText()) {
          case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded" ->
              complaints.add(event.toString());
          case "Network.requestWillBeSent" -> {
            if (!URI.create(url).equals(page)) {
              complaints.add("loaded " + url);
            }
          }
          default -> {}
        }
      }
      return complaints;
    }

    private JsonNode next() throws Exception {
      JsonNode message = messages.poll(SECONDS, TimeUnit.SECONDS);
      if (message == null) {
        throw new AssertionError("Chromium did not answer within %d s".formatted(SECONDS));
      }
      return message;
    }

    @Override
    public void close() {
      socket.abort();
    }
  }
}
