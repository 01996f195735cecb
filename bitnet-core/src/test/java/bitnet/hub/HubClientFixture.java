package bitnet.hub;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/// A hub with a model of two files, and a client with an empty cache.
abstract class HubClientFixture {
  static final int SIZE = 300_000;
  static final String WEIGHTS = "model.safetensors";
  static final byte[] CONFIG = "{}".getBytes(UTF_8);

  @TempDir Path cache;
  final HubServer server = new HubServer();
  final Map<String, String> variables = new HashMap<>();
  final byte[] weights = new byte[SIZE];
  long rangeBytes = Long.MAX_VALUE / 2;

  @BeforeEach
  void fillTheHub() {
    new Random(1).nextBytes(weights);
    server.files.put("config.json", CONFIG);
    server.files.put(WEIGHTS, weights);
    server.files.put("README.md", new byte[10]);
    variables.put("HF_ENDPOINT", server.endpoint() + "/");
    variables.put("HF_HUB_CACHE", cache.toString());
    variables.put("HF_TOKEN", "hf_secret");
    variables.put("HF_HUB_DOWNLOAD_TIMEOUT", "1");
  }

  @AfterEach
  void closeTheHub() {
    server.close();
  }

  Path pull(String name) throws IOException {
    HubEnvironment environment = new HubEnvironment(variables);
    return client(environment).path(HubName.parse(name).orElseThrow());
  }

  HubClient client(HubEnvironment environment) {
    return new HubClient(
        environment,
        (file, bytes, total) -> {},
        new HubClient.Pace(Duration.ofMillis(5), rangeBytes));
  }

  void assertWhole(Path snapshot) throws IOException {
    assertThat(snapshot.resolve(WEIGHTS)).hasBinaryContent(weights);
    assertThat(snapshot.resolve("config.json")).hasBinaryContent(CONFIG);
    assertThat(snapshot.resolve("README.md")).doesNotExist();
  }

  interface Sending {
    void run() throws IOException;
  }

  static boolean sent(Sending sending) throws IOException {
    sending.run();
    return true;
  }

  void assertNothingIncomplete() throws IOException {
    try (Stream<Path> blobs = Files.list(cache.resolve("models--org--model/blobs"))) {
      assertThat(blobs.map(blob -> blob.getFileName().toString()))
          .allMatch(name -> name.matches("[0-9a-f]+"));
    }
  }
}
