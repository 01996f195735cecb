package bitnet.hub;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubClientTest {
  private static final int SIZE = 300_000;
  private static final String WEIGHTS = "model.safetensors";
  private static final byte[] CONFIG = "{}".getBytes(UTF_8);

  @TempDir private Path cache;
  private final HubServer server = new HubServer();
  private final Map<String, String> variables = new HashMap<>();
  private final byte[] weights = new byte[SIZE];

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

  private Path pull(String name) throws IOException {
    HubEnvironment environment = new HubEnvironment(variables);
    return new HubClient(environment, (file, bytes, total) -> {}, Duration.ofMillis(5))
        .path(HubName.parse(name).orElseThrow());
  }

  private void assertWhole(Path snapshot) throws IOException {
    assertThat(snapshot.resolve(WEIGHTS)).hasBinaryContent(weights);
    assertThat(snapshot.resolve("config.json")).hasBinaryContent(CONFIG);
    assertThat(snapshot.resolve("README.md")).doesNotExist();
  }

  @Test
  void theCacheIsThatOfHuggingFaceHub() throws IOException {
    Path snapshot = pull("org/model");
    assertWhole(snapshot);
    Path model = cache.resolve("models--org--model");
    assertThat(snapshot).isEqualTo(model.resolve("snapshots").resolve(HubServer.COMMIT));
    assertThat(model.resolve("refs/main")).hasContent(HubServer.COMMIT);
    assertThat(model.resolve("blobs").resolve(HubServer.hash("SHA-256", weights))).exists();
    assertThat(model.resolve("blobs").resolve(HubServer.gitSha1(CONFIG))).exists();
    assertThat(Files.readSymbolicLink(snapshot.resolve(WEIGHTS)).isAbsolute()).isFalse();
    assertThat(cache.resolve("CACHEDIR.TAG")).exists();
  }

  @Test
  void aTokenGoesToTheHubAndNotToItsCdn() throws IOException {
    pull("org/model");
    assertThat(server.hubTokens).containsOnly("Bearer hf_secret");
    assertThat(server.cdnTokens).isNotEmpty().containsOnly("");
  }

  @Test
  void anImplicitTokenCanBeDisabled() throws IOException {
    variables.put("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    pull("org/model");
    assertThat(server.hubTokens).containsOnly("");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, SIZE / 2, SIZE - 1})
  void aDroppedBodyIsContinuedWhereItEnded(int bytes) throws IOException {
    server.faults.add((exchange, content) -> sent(() -> server.send(exchange, content, bytes)));
    assertWhole(pull("org/model"));
    // what the sockets still held of a dropped connection may be lost
    assertThat(server.contentBytes.get()).isBetween((long) SIZE, SIZE + 2L + bytes);
  }

  private interface Sending {
    void run() throws IOException;
  }

  private static boolean sent(Sending sending) throws IOException {
    sending.run();
    return true;
  }

  @Test
  void anAnswerWithoutHeadersIsAskedForAgain() throws IOException {
    server.faults.add((exchange, content) -> sent(exchange::close));
    assertWhole(pull("org/model"));
  }

  @Test
  void aServerWithoutRangesSendsTheFileAgain() throws IOException {
    server.hasRanges = false;
    server.faults.add((exchange, content) -> sent(() -> server.send(exchange, content, 1000)));
    assertWhole(pull("org/model"));
  }

  @ParameterizedTest
  @ValueSource(ints = {416, 429, 500, 503})
  void aFailureThatPassesIsTriedAgain(int status) throws IOException {
    server.faults.add(
        (exchange, content) ->
            sent(
                () -> {
                  exchange.sendResponseHeaders(status, -1);
                  exchange.close();
                }));
    assertWhole(pull("org/model"));
  }

  @Test
  void aBodyThatPausesForTooLongIsContinued() throws IOException {
    server.faults.add(
        (exchange, content) ->
            sent(
                () -> {
                  exchange.sendResponseHeaders(200, content.length);
                  exchange.getResponseBody().write(content, 0, 1000);
                  exchange.getResponseBody().flush();
                  HubHttp.sleep(Duration.ofSeconds(4));
                }));
    long start = System.nanoTime();
    assertWhole(pull("org/model"));
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(4));
  }

  @Test
  void aDownloadOfAnEarlierProcessIsContinued() throws IOException {
    Path blobs = Files.createDirectories(cache.resolve("models--org--model/blobs"));
    Path partial = blobs.resolve(HubServer.hash("SHA-256", weights) + ".incomplete");
    Files.write(partial, java.util.Arrays.copyOf(weights, 200_000));
    assertWhole(pull("org/model"));
    assertThat(server.contentBytes.get()).isEqualTo(SIZE - 200_000 + CONFIG.length);
  }

  @Test
  void aDamagedPartIsDownloadedAgain() throws IOException {
    Path blobs = Files.createDirectories(cache.resolve("models--org--model/blobs"));
    Path partial = blobs.resolve(HubServer.hash("SHA-256", weights) + ".incomplete");
    Files.write(partial, new byte[200_000]);
    assertWhole(pull("org/model"));
  }

  @Test
  void contentWithAnotherHashIsRefused() {
    server.hasWrongHashes = true;
    assertThatThrownBy(() -> pull("org/model"))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("model.safetensors does not have the hash");
    assertThat(cache.resolve("models--org--model/snapshots/" + HubServer.COMMIT + "/" + WEIGHTS))
        .doesNotExist();
  }

  @Test
  void aMirrorWithoutSizesAndHashesIsEnough() throws IOException {
    server.hasTree = false;
    assertWhole(pull("org/model"));
    Path blob = cache.resolve("models--org--model/blobs");
    assertThat(blob.resolve(HubServer.hash("SHA-256", weights))).exists();
  }

  @Test
  void aRenamedRepositoryIsFollowed() throws IOException {
    assertWhole(pull("old/model"));
  }

  @ParameterizedTest
  @CsvSource({
    "401, RepoNotFound, does not exist or is private; check the name",
    "404, RevisionNotFound, has no revision \"main\"",
    "403, GatedRepo, is gated; accept its terms",
    "503, '', answered 503; try again later"
  })
  void aRefusalSaysTheReasonAndTheRemedyButNoToken(int status, String code, String message) {
    server.errorCode = code;
    for (int tries = 0; tries < HubHttp.TRIES; tries++) {
      server.apiStatuses.add(status);
    }
    assertThatThrownBy(() -> pull("org/model"))
        .isInstanceOf(HubException.class)
        .hasMessageContaining(message)
        .hasMessageNotContaining("secret");
  }

  @Test
  void aCompleteModelOfACommitNeedsNoNetwork() throws IOException {
    pull("org/model");
    server.close();
    assertWhole(pull("org/model@" + HubServer.COMMIT));
    assertWhole(pull("org/model")); // the hub cannot be reached: what is there is used
    variables.put("HF_HUB_OFFLINE", "1");
    assertWhole(pull("org/model"));
    assertThatThrownBy(() -> pull("org/other"))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("org/other is not complete in");
  }

  @Test
  void aQuantSuffixChoosesOneGgufFile() throws IOException {
    server.files.clear();
    server.files.put("a-Q2_0.gguf", weights);
    server.files.put("a-F16.gguf", new byte[3]);
    assertThat(pull("org/model:q2_0")).hasBinaryContent(weights).hasFileName("a-Q2_0.gguf");
    assertThatThrownBy(() -> pull("org/model"))
        .hasMessageContaining("more than one GGUF file fits; append one of :a-F16.gguf");
    assertThatThrownBy(() -> pull("org/model:Q9"))
        .hasMessageContaining("no GGUF file fits; append one of :a-F16.gguf");
  }

  @Test
  void nameThatLeavesTheCacheIsNotDownloaded() throws IOException {
    server.files.put("../../x.safetensors", new byte[3]);
    assertWhole(pull("org/model"));
    assertThat(FileChoice.isSafe("../x")).isFalse();
    assertThat(FileChoice.isSafe("a/b.gguf")).isTrue();
  }

  @Test
  void severalDownloadsOfOneModelTransferItOnce() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Callable<Path> one = () -> pull("org/model");
      List<Future<Path>> all = threads.invokeAll(IntStream.range(0, 4).mapToObj(i -> one).toList());
      for (Future<Path> each : all) {
        assertWhole(each.get());
      }
    }
    assertThat(server.contentBytes.get()).isEqualTo(SIZE + CONFIG.length);
  }

  @Test
  void aModelIsListedAndRemoved() throws IOException {
    pull("org/model");
    CachedModel model = CachedModel.list(cache).getFirst();
    assertThat(model.repository()).isEqualTo("org/model");
    assertThat(model.bytes()).isGreaterThanOrEqualTo(SIZE);
    model.remove();
    assertThat(CachedModel.list(cache)).isEmpty();
  }

  @Test
  void aLocalPathWins() throws IOException {
    Files.createDirectory(cache.resolve("models"));
    assertThat(HubName.ofModelPath(cache.resolve("models/none"))).isEmpty();
    assertThat(HubName.ofModelPath(Path.of("src/none"))).isEmpty();
    assertThat(HubName.ofModelPath(Path.of("none"))).isEmpty();
    assertThat(HubName.ofModelPath(Path.of("org/model@v1:Q2_0")))
        .contains(new HubName("org/model", "v1", "Q2_0"));
  }
}
