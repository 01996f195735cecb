package bitnet.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubClientTest extends HubClientFixture {
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
    Files.write(partial, Arrays.copyOf(weights, 200_000));
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
  void allPagesOfAListingAreRead() throws IOException {
    for (int i = 0; i < 5; i++) {
      server.files.put("extra-%d.json".formatted(i), CONFIG);
    }
    server.pageEntries = 2;
    Path snapshot = pull("org/model");
    assertWhole(snapshot);
    assertThat(server.requests.stream().filter(path -> path.contains("/tree/"))).hasSize(4);
    // a file of the last page has its hash in the listing
    assertThat(cache.resolve("models--org--model/blobs"))
        .isDirectoryContaining(blob -> blob.endsWith(HubServer.hash("SHA-256", weights)));
  }

  @Test
  void anAnswerThatStallsAfterItsHeadersIsAskedForAgain() throws IOException {
    server.stalls.set(1);
    long start = System.nanoTime();
    assertWhole(pull("org/model"));
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
  }

  @Test
  void aMirrorThatHasMovedIsFollowedWithoutTheToken() throws IOException {
    try (HubServer old = new HubServer()) {
      old.movedTo = server.endpoint();
      variables.put("HF_ENDPOINT", old.endpoint());
      assertWhole(pull("org/model"));
      assertThat(old.hubTokens).containsOnly("Bearer hf_secret");
      assertThat(server.hubTokens).isNotEmpty().containsOnly("");
    }
  }

  @Test
  void withoutLinksASnapshotHasTheFilesThemselves() throws IOException {
    variables.put("HF_HUB_DISABLE_SYMLINKS", "1");
    Path snapshot = pull("org/model");
    assertWhole(snapshot);
    assertThat(snapshot.resolve(WEIGHTS))
        .isRegularFile()
        .matches(file -> !Files.isSymbolicLink(file));
    try (Stream<Path> blobs = Files.list(cache.resolve("models--org--model/blobs"))) {
      assertThat(blobs).isEmpty(); // nothing is there twice
    }
    long sent = server.contentBytes.get();
    assertWhole(pull("org/model"));
    assertThat(server.contentBytes.get()).isEqualTo(sent);
  }

  @Test
  void aBlobWithALinkIsCopiedWhereLinksAreDisabled() throws IOException {
    Path linked = pull("org/model");
    Path file = linked.resolve(WEIGHTS);
    Path blob = file.toRealPath();
    Files.delete(file);
    variables.put("HF_HUB_DISABLE_SYMLINKS", "1");
    assertWhole(pull("org/model"));
    assertThat(blob).exists();
    assertNothingIncomplete();
  }

  /// Weights in several files without an index, of which one has not arrived.
  @Test
  void anInterruptedModelIsNotCompleteOffline() throws IOException {
    server.files.put("more.safetensors", weights);
    server.files.put("z.safetensors", new byte[7]);
    Path snapshot = pull("org/model");
    Files.delete(snapshot.resolve("z.safetensors")); // as if killed before it
    variables.put("HF_HUB_OFFLINE", "1");
    for (String name : List.of("org/model", "org/model@" + HubServer.COMMIT)) {
      assertThatThrownBy(() -> pull(name))
          .isInstanceOf(HubException.class)
          .hasMessageContaining("is not complete in");
    }
    variables.put("HF_HUB_OFFLINE", "0");
    pull("org/model@" + HubServer.COMMIT);
    assertThat(snapshot.resolve("z.safetensors")).exists();
  }

  /// A cache of `huggingface_hub` before it kept listings.
  @Test
  void withoutAListingTheNumbersOfShardsTell() throws IOException {
    Path model = cache.resolve("models--org--model");
    Path snapshot = Files.createDirectories(model.resolve("snapshots").resolve(HubServer.COMMIT));
    Files.write(snapshot.resolve("config.json"), CONFIG);
    Files.write(snapshot.resolve("model-00001-of-00002.safetensors"), weights);
    variables.put("HF_HUB_OFFLINE", "1");
    String name = "org/model@" + HubServer.COMMIT;
    assertThatThrownBy(() -> pull(name)).hasMessageContaining("is not complete in");
    Files.write(snapshot.resolve("model-00002-of-00002.safetensors"), weights);
    assertThat(pull(name)).isEqualTo(snapshot);
  }

  /// Lists the files as `huggingface_hub` does.
  @Test
  void aListingOfHuggingFaceHubTellsWhatIsMissing() throws IOException {
    Path snapshot = pull("org/model");
    Path model = cache.resolve("models--org--model");
    Path trees = Files.createDirectory(model.resolve("trees"));
    Path listing = model.resolve("listings").resolve(HubServer.COMMIT + ".json");
    Files.move(listing, trees.resolve(listing.getFileName()));
    variables.put("HF_HUB_OFFLINE", "1");
    assertWhole(pull("org/model"));
    Files.delete(snapshot.resolve("config.json"));
    assertThatThrownBy(() -> pull("org/model")).hasMessageContaining("is not complete in");
  }

  @Test
  void filesOfADatasetAreChosen() throws IOException {
    server.files.put("main/test-00000-of-00001.parquet", weights);
    server.files.put("main/train-00000-of-00001.parquet", weights);
    HubName name = HubName.dataset("org/data");
    Path snapshot =
        client(new HubEnvironment(variables)).snapshot(name, file -> file.contains("/test-"));
    assertThat(snapshot)
        .isEqualTo(cache.resolve("datasets--org--data/snapshots").resolve(HubServer.COMMIT));
    assertThat(snapshot.resolve("main/test-00000-of-00001.parquet")).hasBinaryContent(weights);
    assertThat(snapshot.resolve("main/train-00000-of-00001.parquet")).doesNotExist();
    assertThat(server.requests).allMatch(path -> path.contains("/datasets/org/data"));
    variables.put("HF_HUB_OFFLINE", "1");
    HubClient offline = client(new HubEnvironment(variables));
    assertThat(offline.snapshot(name, file -> file.contains("/test-"))).isEqualTo(snapshot);
    assertThatThrownBy(() -> offline.snapshot(name, file -> file.contains("/train-")))
        .hasMessageContaining("datasets/org/data is not complete in");
    assertThatThrownBy(
            () ->
                client(new HubEnvironment(Map.of("HF_ENDPOINT", server.endpoint(), "HOME", "x")))
                    .snapshot(name, file -> false))
        .hasMessageContaining("datasets/org/data has none of the files");
    assertThat(CachedRepository.list(cache))
        .extracting(CachedRepository::repository)
        .containsExactly("datasets/org/data");
  }

  @Test
  void aModelIsListedAndRemoved() throws IOException {
    pull("org/model");
    CachedRepository model = CachedRepository.list(cache).getFirst();
    assertThat(model.repository()).isEqualTo("org/model");
    assertThat(model.bytes()).isGreaterThanOrEqualTo(SIZE);
    model.remove();
    assertThat(CachedRepository.list(cache)).isEmpty();
  }

  @Test
  void aLocalPathWins() throws IOException {
    Files.createDirectory(cache.resolve("models"));
    assertThat(HubName.ofModelPath(cache.resolve("models/none"))).isEmpty();
    assertThat(HubName.ofModelPath(Path.of("src/none"))).isEmpty();
    assertThat(HubName.ofModelPath(Path.of("none"))).isEmpty();
    assertThat(HubName.ofModelPath(Path.of("org/model@v1:Q2_0")))
        .contains(new HubName(RepositoryKind.MODEL, "org/model", "v1", "Q2_0"));
  }
}
