package bitnet.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.model.TernarizedWeights;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Requests that come, differ and go, against the generator that continues one text at a time.
class BatchSchedulerTest {
  private static final Tokenizer BYTES = Tokenizer.byteLevel();
  private static final LlamaConfig CONFIG =
      LlamaConfig.of(256, 64, 128, 2, 4).withKeyValueHeads(2).withContextLength(96);
  private static final Set<Integer> ENDS = Set.of(10);

  /// Prompts are read in several chunks beside running texts.
  private static final BatchSettings SETTINGS = new BatchSettings(3, 5, 0);

  private static TernaryLlama llama;

  private BatchScheduler scheduler;

  @BeforeAll
  static void load() throws IOException {
    TernarizedWeights weights =
        new TernarizedWeights(new BlankWeights(CONFIG, new LatentInitializer(3, 0.05)));
    llama = TernaryLlama.load(weights, RuntimeSettings.fastest().withThreads(2));
  }

  @AfterAll
  static void closeModel() {
    llama.close();
    BYTES.close();
  }

  @BeforeEach
  void open() {
    scheduler = new BatchScheduler(llama, BYTES, ENDS, SETTINGS);
  }

  @AfterEach
  void close() {
    scheduler.close();
  }

  private static BatchScheduler.Request request(
      String prompt, int samples, long sequence, int maxTokens, double temperature) {
    byte[] bytes = prompt.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = Byte.toUnsignedInt(bytes[i]);
    }
    return new BatchScheduler.Request(
        ids,
        samples,
        sequence,
        new GenerationSettings(
            maxTokens, List.of("q"), new SamplingSettings(temperature, 0, 1, 0, 1, 11)));
  }

  private static Completion alone(BatchScheduler.Request request, int sample) {
    return new Generator(new TernaryLanguageModel(llama), BYTES, ENDS)
        .generate(
            request.prompt(), request.firstSequence() + sample, request.settings(), piece -> {});
  }

  /// What a listener heard.
  private static final class Heard implements BatchScheduler.Listener {
    private final Map<Integer, StringBuilder> texts = new ConcurrentHashMap<>();
    private final Map<Integer, Completion> completions = new ConcurrentHashMap<>();
    private final CountDownLatch pending;
    private int cachedTokens = -1; // of its prompt, as soon as that has been read

    Completion completion(int sample) {
      return Objects.requireNonNull(completions.get(sample));
    }

    Heard(int samples) {
      pending = new CountDownLatch(samples);
    }

    @Override
    public void promptRead(int tokens) {
      cachedTokens = tokens;
    }

    @Override
    public void text(int sample, String piece) {
      texts.computeIfAbsent(sample, key -> new StringBuilder()).append(piece);
    }

    @Override
    public void finished(int sample, Completion completion) {
      assertThat(completions.put(sample, completion)).as("heard twice of %d", sample).isNull();
      pending.countDown();
    }
  }

  private static void assertIsAsAlone(BatchScheduler.Request request, Heard heard) {
    assertThat(heard.completions).hasSize(request.samples());
    heard.completions.forEach(
        (sample, completion) -> {
          Completion alone = alone(request, sample);
          assertThat(completion.sampled()).isEqualTo(alone.sampled());
          assertThat(completion.finish()).isEqualTo(alone.finish());
          assertThat(heard.texts.getOrDefault(sample, new StringBuilder()).toString())
              .isEqualTo(alone.text());
        });
  }

  @Test
  void requestsWithSettingsOfTheirOwnMayEnterWhileOthersRun() {
    List<BatchScheduler.Request> requests =
        List.of(
            request("To be", 2, 5, 40, 1.3),
            request("or", 1, 0, 3, 0),
            request("a much longer question than the others", 4, 9, 25, 0.7),
            request("x", 1, 100, 60, 1));
    List<Heard> heard = new ArrayList<>();
    for (BatchScheduler.Request each : requests) {
      heard.add(new Heard(each.samples()));
      scheduler.submit(each, heard.getLast());
      for (int i = 0; i < 4; i++) {
        scheduler.step();
      }
    }
    scheduler.drain();

    for (int i = 0; i < requests.size(); i++) {
      assertIsAsAlone(requests.get(i), heard.get(i));
    }
  }

  @Test
  void cancelledRequestEndsBeforeItsNextTokenAndHarmsNoOther() {
    BatchScheduler.Request kept = request("To be", 1, 1, 50, 1);
    Heard keptHeard = new Heard(1);
    Heard cancelledHeard = new Heard(5);
    scheduler.submit(kept, keptHeard);
    BatchScheduler.Ticket ticket = scheduler.submit(request("not", 5, 2, 50, 1), cancelledHeard);
    for (int i = 0; i < 6; i++) {
      scheduler.step();
    }
    ticket.cancel();
    scheduler.drain();

    assertIsAsAlone(kept, keptHeard);
    assertThat(cancelledHeard.completions).hasSize(5);
    cancelledHeard.completions.forEach(
        (sample, completion) -> {
          assertThat(completion.finish()).isEqualTo(FinishReason.INTERRUPTED);
          assertThat(completion.sampled()).hasSizeLessThan(9);
        });
    assertThat(cancelledHeard.completion(4).sampled()).isEmpty();
  }

  @Test
  void failureOfAListenerCancelsItsOwnRequestOnly() {
    BatchScheduler.Request kept = request("To be", 1, 1, 30, 1);
    Heard keptHeard = new Heard(1);
    AtomicReference<Completion> failed = new AtomicReference<>();
    scheduler.submit(
        request("not", 1, 2, 30, 1),
        new BatchScheduler.Listener() {
          @Override
          public void text(int sample, String piece) {
            throw new IllegalStateException("the reader is gone");
          }

          @Override
          public void finished(int sample, Completion completion) {
            failed.set(completion);
          }
        });
    scheduler.submit(kept, keptHeard);
    scheduler.drain();

    assertIsAsAlone(kept, keptHeard);
    assertThat(Objects.requireNonNull(failed.get()).finish()).isEqualTo(FinishReason.INTERRUPTED);
  }

  @Test
  void manyThreadsShareAnEngineThread() throws InterruptedException {
    Thread engine = Thread.ofPlatform().start(scheduler::run);
    List<BatchScheduler.Request> requests = new ArrayList<>();
    List<Heard> heard = new ArrayList<>();
    List<Thread> clients = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      BatchScheduler.Request each = request("client " + i, 1 + i % 3, 10L * i, 20 + i, 1);
      Heard listener = new Heard(each.samples());
      requests.add(each);
      heard.add(listener);
      clients.add(Thread.ofPlatform().start(() -> scheduler.submit(each, listener)));
    }
    for (Thread client : clients) {
      client.join();
    }
    for (Heard each : heard) {
      assertThat(each.pending.await(1, TimeUnit.MINUTES)).isTrue();
    }
    scheduler.close();
    engine.join(TimeUnit.MINUTES.toMillis(1));
    assertThat(engine.isAlive()).isFalse();

    for (int i = 0; i < requests.size(); i++) {
      assertIsAsAlone(requests.get(i), heard.get(i));
    }
  }

  @Test
  void aLongPromptIsReadInChunksBesideRunningTexts() {
    BatchScheduler.Request running = request("To be", 1, 1, 60, 1);
    BatchScheduler.Request late = request("a prompt of many tokens ".repeat(3), 2, 3, 8, 1);
    Heard runningHeard = new Heard(1);
    Heard lateHeard = new Heard(2);
    List<String> order = new ArrayList<>();
    scheduler.submit(running, inOrder("running", order, runningHeard));
    scheduler.step();
    scheduler.submit(late, inOrder("late", order, lateHeard));
    scheduler.drain();

    assertIsAsAlone(running, runningHeard);
    assertIsAsAlone(late, lateHeard);
    // 72 tokens, 5 in each pass: the text beside it went on in each of them
    assertThat(order.indexOf("late")).isGreaterThanOrEqualTo(72 / 5);
    assertThat(order.subList(0, 72 / 5)).containsOnly("running");
  }

  private static BatchScheduler.Listener inOrder(String name, List<String> order, Heard heard) {
    return new BatchScheduler.Listener() {
      @Override
      public void drawn(int sample, SampledToken token, float[] logits) {
        order.add(name);
      }

      @Override
      public void text(int sample, String piece) {
        heard.text(sample, piece);
      }

      @Override
      public void finished(int sample, Completion completion) {
        heard.finished(sample, completion);
      }
    };
  }

  @Test
  void ownersTakeTurnsWhateverOneOfThemHasQueued() {
    List<String> order = new ArrayList<>();
    Object greedy = new Object();
    for (int i = 0; i < 9; i++) {
      scheduler.submit(
          greedy, request("many " + i, 1, i, 9, 1), inOrder("many", order, new Heard(1)));
    }
    scheduler.submit(request("samples", 20, 0, 9, 1), inOrder("samples", order, new Heard(20)));
    scheduler.submit(request("one", 1, 0, 9, 1), inOrder("one", order, new Heard(1)));
    scheduler.drain();

    assertThat(order.indexOf("one")).isBetween(1, 4 * 9);
    assertThat(order.stream().filter("many"::equals).count()).isGreaterThan(20);
  }

  @Test
  void prefixesThatWereReadBeforeChangeNoToken() {
    List<BatchScheduler.Request> requests = new ArrayList<>();
    String system = "instructions for everybody";
    for (int i = 0; i < 12; i++) {
      requests.add(request(system + " then question " + i % 5, 1 + i % 3, 7L * i, 20, 1));
    }
    List<Heard> heard = new ArrayList<>();
    try (BatchScheduler sharing =
        new BatchScheduler(llama, BYTES, ENDS, new BatchSettings(3, 5, 1 << 20))) {
      for (BatchScheduler.Request each : requests) {
        Heard listener = new Heard(each.samples());
        heard.add(listener);
        sharing.submit(each, listener);
        sharing.step();
      }
      sharing.drain();
      for (int i = 0; i < requests.size(); i++) {
        assertIsAsAlone(requests.get(i), heard.get(i));
      }
    }
    List<Integer> cached = heard.stream().map(each -> each.cachedTokens).toList();
    int question = (system + " then question 0").length();
    assertThat(cached).hasSize(12).startsWith(0).contains(question - 1); // all but the last token
    assertThat(cached.subList(6, 12)).allMatch(tokens -> tokens >= system.length());
  }

  @Test
  void promptsThatComeTogetherReadTheirCommonBeginningOnce() {
    String system = "instructions for everybody, read once";
    List<BatchScheduler.Request> requests =
        List.of(
            request(system + " a", 1, 1, 12, 1),
            request(system + " b, longer", 1, 2, 12, 1),
            request(system + " c", 1, 3, 12, 1));
    List<Heard> heard = new ArrayList<>();
    try (BatchScheduler sharing =
        new BatchScheduler(llama, BYTES, ENDS, new BatchSettings(3, 5, 1 << 20))) {
      for (BatchScheduler.Request each : requests) {
        Heard listener = new Heard(1);
        heard.add(listener);
        sharing.submit(each, listener);
      }
      sharing.drain();
    }
    int common = system.length() + 1; // with the space
    assertThat(heard)
        .extracting(each -> each.cachedTokens)
        .containsExactlyInAnyOrder(0, common, common);
    for (int i = 0; i < requests.size(); i++) {
      assertIsAsAlone(requests.get(i), heard.get(i));
    }
  }

  @Test
  void theNextTurnContinuesWhatTheLastOneRead() {
    List<Integer> cached = new ArrayList<>();
    try (BatchScheduler sharing =
        new BatchScheduler(llama, BYTES, Set.of(), new BatchSettings(1, 5, 1 << 20))) {
      int[] prompt = request("a question of some length", 1, 0, 1, 1).prompt();
      for (int turn = 0; turn < 3; turn++) {
        BatchScheduler.Request request =
            new BatchScheduler.Request(
                prompt, 1, turn, GenerationSettings.of(9, new SamplingSettings(1, 0, 1, 0, 1, 4)));
        int[] read = prompt;
        AtomicReference<Completion> answer = new AtomicReference<>();
        sharing.submit(
            request,
            new BatchScheduler.Listener() {
              @Override
              public void promptRead(int cachedTokens) {
                cached.add(cachedTokens - read.length);
              }

              @Override
              public void finished(int sample, Completion completion) {
                answer.set(completion);
              }
            });
        sharing.drain();
        Completion completion = Objects.requireNonNull(answer.get());
        assertThat(completion.sampled())
            .isEqualTo(
                new Generator(new TernaryLanguageModel(llama), BYTES)
                    .generate(prompt, turn, request.settings(), piece -> {})
                    .sampled());
        prompt =
            IntStream.concat(
                    IntStream.concat(IntStream.of(prompt), IntStream.of(completion.tokens())),
                    IntStream.of(65, 66, 67))
                .toArray();
      }
    }
    // all but the last token of the answer, which was not read, and the three that follow it
    assertThat(cached).containsExactly(-25, -4, -4);
  }

  @Test
  void closingCancelsWhatHasNotEndedAndRefusesMore() {
    Heard running = new Heard(1);
    Heard waiting = new Heard(4);
    scheduler.submit(request("To be", 1, 1, 50, 1), running);
    scheduler.step();
    scheduler.submit(request("or not", 4, 1, 50, 1), waiting);
    scheduler.close();

    assertThat(running.completion(0).finish()).isEqualTo(FinishReason.INTERRUPTED);
    assertThat(running.completion(0).sampled()).isNotEmpty();
    assertThat(waiting.completions).hasSize(4);
    assertThatThrownBy(() -> scheduler.submit(request("x", 1, 1, 5, 1), new Heard(1)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the scheduler is closed");
  }

  @Test
  void promptOutsideTheVocabularyIsRefusedBeforeItIsQueued() {
    BatchScheduler.Request wrong =
        new BatchScheduler.Request(
            new int[] {1, 256}, 1, 0, GenerationSettings.of(4, SamplingSettings.GREEDY));

    assertThatThrownBy(() -> scheduler.submit(wrong, new Heard(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("token id 256 is outside the vocabulary; use 0 to 255");
  }
}
