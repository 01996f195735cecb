package bitnet.server;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.runtime.RuntimeSettings;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A server whose slots are all taken by answers that take long.
class BusyServerTest {
  private static final int SLOTS = 2;
  private static final int QUEUE = 3;
  private static final int IDLE_SECONDS = 1;

  /// A text of some thousand tokens, which the model does not end before.
  private static final String LONG =
      "{\"prompt\": \"To be\", \"max_tokens\": %d, \"n\": %d, \"stream\": %s, \"logprobs\": %s,"
          + " \"logit_bias\": {\"0\": -100}}";

  @TempDir private static Path directory;
  private static final ConcurrentLinkedQueue<String> LOG = new ConcurrentLinkedQueue<>();
  private static BatchedModel model;
  private static ApiServer server;

  @BeforeAll
  static void start() throws IOException {
    BatchSettings batching = new BatchSettings(SLOTS, 16, 4 << 20);
    model =
        BatchedModel.open(
            TinyModel.write(directory.resolve("model"), 16_384),
            RuntimeSettings.fastest().withThreads(1),
            batching);
    assertThat(model.tokenizer().endOfText()).hasValue(0);
    server =
        ApiServer.start(
            new ServerSettings(
                "127.0.0.1",
                0,
                List.of(),
                "tiny",
                false,
                batching,
                new ServerSettings.Limits(QUEUE, 0, 1 << 20, 60, IDLE_SECONDS, 1)),
            LOG::add);
    server.serve(model);
  }

  @AfterAll
  static void stop() {
    server.close();
    model.close();
  }

  private static String busy(int tokens, int samples, boolean streamed) {
    return LONG.formatted(tokens, samples, streamed, "null");
  }

  private static RawClient.Answer ask(String path, String body) throws IOException {
    try (RawClient client = new RawClient(server.uri())) {
      client.post(path, body);
      return client.read();
    }
  }

  private static boolean isIdle() throws IOException {
    try (RawClient client = new RawClient(server.uri())) {
      client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
      return client.read().body().contains("bitnet_sequences_processing 0\n");
    }
  }

  private static void awaitBusy() throws IOException, InterruptedException {
    while (isIdle()) {
      Thread.sleep(10);
    }
  }

  @AfterEach
  void allSlotsAreFree() throws IOException, InterruptedException {
    long start = System.nanoTime();
    while (!isIdle()) {
      assertThat(System.nanoTime() - start).as("nanoseconds").isLessThan(20_000_000_000L);
      Thread.sleep(20);
    }
  }

  @Test
  void aClientThatWaitsForAWholeAnswerAndGoesFreesItsSlots() throws Exception {
    LOG.clear();
    try (RawClient client = new RawClient(server.uri())) {
      client.post("/v1/completions", busy(16_000, 4, false));
      awaitBusy();
    }
    allSlotsAreFree(); // in far less time than the texts take
    assertThat(LOG).anyMatch(line -> line.startsWith("POST /v1/completions 499 "));
  }

  @Test
  void aLongAnswerThatIsNotStreamedBeginsWithSpacesAndIsWhole() throws Exception {
    int tokens = 8000;
    RawClient.Answer answer = ask("/v1/completions", busy(tokens, 1, false));

    assertThat(answer.body()).startsWith(" ");
    JsonNode json = RequestBody.JSON.readTree(answer.body());
    assertThat(json.at("/usage/completion_tokens").asInt()).isEqualTo(tokens);
  }

  @Test
  void moreThanTheQueueHoldsIsAnsweredWithATimeToRetry() throws Exception {
    try (RawClient first = new RawClient(server.uri())) {
      first.post("/v1/completions", busy(16_000, SLOTS + QUEUE, true));
      awaitBusy();
      RawClient.Answer refused = ask("/v1/completions", "{\"prompt\": \"To\", \"max_tokens\": 1}");
      assertThat(refused.status()).isEqualTo(429);
      assertThat(refused.hasHeader("Retry-After", "1")).isTrue();
      assertThat(RequestBody.JSON.readTree(refused.body()).at("/error/code").asText())
          .isEqualTo("queue_full");
    }
  }

  @Test
  void aReaderThatStopsIsCutOffAndHarmsNobody() throws Exception {
    LOG.clear();
    try (RawClient slow = new RawClient(server.uri())) {
      slow.post("/v1/completions", LONG.formatted(16_000, 1, true, "20"));
      awaitBusy();
      RawClient.Answer other = ask("/v1/completions", "{\"prompt\": \"To\", \"max_tokens\": 2}");
      assertThat(other.status()).isEqualTo(200);
      allSlotsAreFree();
    }
    assertThat(LOG).anyMatch(line -> line.startsWith("POST /v1/completions 499 "));
  }

  @Test
  void oneRequestOfManySamplesLetsOthersHaveTheirTurn() throws Exception {
    try (RawClient first = new RawClient(server.uri())) {
      first.post("/v1/completions", busy(3000, 4, true)); // 2 run, 2 wait
      awaitBusy();
      RawClient.Answer other = ask("/v1/completions", "{\"prompt\": \"To\", \"max_tokens\": 2}");
      assertThat(other.status()).isEqualTo(200);
      assertThat(first.socket().getInputStream().available()).isPositive();
      assertThat(isIdle()).isFalse(); // samples of the first are left
    }
  }

  @Test
  void clientsThatSendTheirRequestsByteByByteTakeNoSlotAndAreCutOff() throws Exception {
    List<RawClient> dripping = new ArrayList<>();
    try {
      String head = "POST /v1/completions HTTP/1.1\r\nHost: x\r\n";
      for (String start :
          List.of(
              "",
              "POST /v1/comp",
              head,
              head + "Content-Length: 40\r\n\r\n",
              head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"pr")) {
        for (int i = 0; i < 20; i++) {
          dripping.add(new RawClient(server.uri()));
          dripping.getLast().send(start);
        }
      }
      RawClient.Answer other = ask("/v1/completions", "{\"prompt\": \"To\", \"max_tokens\": 2}");
      assertThat(other.status()).isEqualTo(200);
      for (RawClient each : dripping) {
        each.socket().getInputStream().readAllBytes(); // returns when the server has closed it
      }
    } finally {
      for (RawClient each : dripping) {
        each.close();
      }
    }
  }
}
