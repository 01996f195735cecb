package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// `bitnet serve` as a process.
class ServeTest {
  private static final String LISTENING = "listening on ";

  @TempDir private Path directory;

  @Test
  @DisabledOnOs(OS.WINDOWS) // has no SIGTERM
  void aServerThatIsStoppedFinishesWhatRuns() throws Exception {
    Path model = CommandRun.tinyModel(directory.resolve("model"));
    Path log = directory.resolve("log");
    Process process =
        CommandRun.start(
            log, "serve", "--model_path", model, "--port=0", "--threads=1", "--drain_seconds=60");
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(address(process, log) + "/completions"))
              .POST(
                  HttpRequest.BodyPublishers.ofString(
                      "{\"prompt\": \"A\", \"max_tokens\": 60, \"n\": 24, \"stream\": true}"))
              .build();
      HttpResponse<InputStream> answer =
          client.send(request, HttpResponse.BodyHandlers.ofInputStream());
      try (BufferedReader events =
          new BufferedReader(new InputStreamReader(answer.body(), UTF_8))) {
        assertThat(events.readLine()).startsWith("data: {");
        process.destroy();
        assertThat(events.lines().toList()).contains("data: [DONE]");
      }
      assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
      assertThat(process.exitValue()).as(Files.readString(log)).isEqualTo(143);
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS) // has no kill -9
  void aServerThatIsKilledUnderLoadServesAgainAfterARestart() throws Exception {
    Path model = CommandRun.tinyModel(directory.resolve("model"));
    String body = "{\"prompt\": \"A\", \"max_tokens\": 60, \"n\": 24, \"seed\": 3, \"stream\": %s}";
    String whole = "";
    for (int round = 0; round < 2; round++) {
      Path log = directory.resolve("log" + round);
      Process process =
          CommandRun.start(log, "serve", "--model_path", model, "--port=0", "--threads=1");
      try (HttpClient client = HttpClient.newHttpClient()) {
        URI address = URI.create(address(process, log) + "/completions");
        String texts =
            client
                .send(post(address, body.formatted(false)), HttpResponse.BodyHandlers.ofString())
                .body()
                .replaceAll("\"(id|created|usage)\":[^,}]*", "");
        assertThat(texts).contains("finish_reason");
        whole = whole.isEmpty() ? texts : whole;
        assertThat(texts).isEqualTo(whole);
        HttpResponse<InputStream> answer =
            client.send(
                post(address, body.formatted(true)), HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream events = answer.body()) {
          assertThat(events.read()).isEqualTo('d');
          process.destroyForcibly();
          assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        }
      } finally {
        process.destroyForcibly();
      }
    }
  }

  private static HttpRequest post(URI address, String body) {
    return HttpRequest.newBuilder(address).POST(HttpRequest.BodyPublishers.ofString(body)).build();
  }

  @Test
  void anAddressBeyondThisMachineIsRefusedWithoutAKey() {
    CommandRun run = CommandRun.of("serve", "--model_path", directory, "--host=0.0.0.0");

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("--host 0.0.0.0", "--api_key_file");
  }

  /// Where a server listens that was started with this log, with `/v1`.
  static String address(Process process, Path log) throws IOException, InterruptedException {
    for (int i = 0; i < 1200; i++) {
      Optional<String> line =
          Files.readString(log).lines().filter(each -> each.startsWith(LISTENING)).findFirst();
      if (line.isPresent()) {
        return line.get().substring(LISTENING.length());
      }
      assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
      Thread.sleep(50);
    }
    throw new AssertionError(Files.readString(log));
  }
}
