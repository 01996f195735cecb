package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class BatchSamplerTest {
  /// A stream whose token says where it stands.
  private static TokenStream counting(int size) {
    return TokenStream.of(IntStream.range(0, size).toArray());
  }

  private static List<Integer> starts(BatchSampler sampler, SamplerState from, int batches) {
    List<Integer> starts = new ArrayList<>();
    SamplerState state = from;
    for (int i = 0; i < batches; i++) {
      TokenBatch batch = sampler.batch(state);
      for (int row = 0; row < batch.batch(); row++) {
        starts.add(batch.inputs()[row * batch.seq()]);
      }
      state = state.after(batch.batch());
    }
    return starts;
  }

  @ParameterizedTest
  @EnumSource(WindowSampling.class)
  void targetsAreTheInputsOneTokenLater(WindowSampling sampling) {
    TokenBatch batch =
        new BatchSampler(counting(1000), sampling, 5, 7).batch(SamplerState.start(3));
    assertThat(batch.inputs()).hasSize(35);
    for (int row = 0; row < 5; row++) {
      for (int i = 0; i < 7; i++) {
        int at = row * 7 + i;
        assertThat(batch.inputs()[at]).isEqualTo(batch.inputs()[row * 7] + i);
        assertThat(batch.targets()[at]).isEqualTo(batch.inputs()[at] + 1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(WindowSampling.class)
  void aRunResumedFromItsCounterSeesWhatItWouldHaveSeen(WindowSampling sampling) {
    BatchSampler sampler = new BatchSampler(counting(1000), sampling, 4, 10);
    List<Integer> whole = starts(sampler, SamplerState.start(42), 60);
    BatchSampler another = new BatchSampler(counting(1000), sampling, 4, 10);
    List<Integer> resumed = starts(another, new SamplerState(42, 4 * 23), 37);
    assertThat(resumed).isEqualTo(whole.subList(4 * 23, 4 * 60));
  }

  @ParameterizedTest
  @EnumSource(WindowSampling.class)
  void theBatchSizeDoesNotChangeWhichWindowsFollow(WindowSampling sampling) {
    assertThat(starts(new BatchSampler(counting(500), sampling, 1, 9), SamplerState.start(1), 120))
        .isEqualTo(
            starts(new BatchSampler(counting(500), sampling, 8, 9), SamplerState.start(1), 15));
  }

  @ParameterizedTest
  @EnumSource(WindowSampling.class)
  void seedsGiveDifferentOrders(WindowSampling sampling) {
    BatchSampler sampler = new BatchSampler(counting(5000), sampling, 4, 10);
    Set<List<Integer>> orders = new HashSet<>();
    for (long seed : new long[] {0, 1, 2, -1, Long.MIN_VALUE, 0x9E3779B97F4A7C15L}) {
      orders.add(starts(sampler, SamplerState.start(seed), 10));
    }
    assertThat(orders).hasSize(6);
  }

  @ParameterizedTest
  @CsvSource({"1001, 10", "1005, 10", "1010, 10", "11, 10", "20, 10", "21, 10", "2, 1", "3, 1"})
  void anEpochShowsEveryWindowOnce(int size, int seq) {
    int windows = (size - 1) / seq;
    BatchSampler sampler = new BatchSampler(counting(size), WindowSampling.EPOCH, 1, seq);
    assertThat(sampler.windowsPerEpoch()).isEqualTo(windows);
    List<Integer> first = starts(sampler, SamplerState.start(5), windows);
    int offset = first.stream().mapToInt(start -> start).min().orElseThrow();
    assertThat(offset).isBetween(0, size - 1 - windows * seq);
    assertThat(first)
        .containsExactlyInAnyOrderElementsOf(
            IntStream.range(0, windows).map(window -> offset + window * seq).boxed().toList());
  }

  @Test
  void epochsDifferInOrderAndInTheTokensLeftOver() {
    BatchSampler sampler = new BatchSampler(counting(1008), WindowSampling.EPOCH, 1, 10);
    Set<List<Integer>> orders = new HashSet<>();
    Set<Integer> offsets = new HashSet<>();
    for (int epoch = 0; epoch < 200; epoch++) {
      List<Integer> order = starts(sampler, new SamplerState(5, epoch * 100L), 100);
      orders.add(order.stream().map(start -> start / 10).toList());
      offsets.add(order.getFirst() % 10);
    }
    assertThat(orders).hasSize(200);
    assertThat(offsets).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7);
    assertThat(sampler.epochs(new SamplerState(5, 250))).isEqualTo(2.5);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 100, 255, 256, 257, 65_537, 100_000})
  void aPermutationHitsEveryPlaceOnce(long size) {
    boolean[] hit = new boolean[(int) size];
    for (long i = 0; i < size; i++) {
      int at = (int) CounterRandom.permuted(i, size, 77);
      assertThat(hit[at]).isFalse();
      hit[at] = true;
    }
  }

  @Test
  void allOrdersOfThreeWindowsAreEquallyLikely() {
    Map<List<Long>, Integer> counts = new HashMap<>();
    for (int key = 0; key < 12_000; key++) {
      long mixed = CounterRandom.value(9, key);
      counts.merge(
          List.of(
              CounterRandom.permuted(0, 3, mixed),
              CounterRandom.permuted(1, 3, mixed),
              CounterRandom.permuted(2, 3, mixed)),
          1,
          Integer::sum);
    }
    assertThat(counts).hasSize(6);
    // 2000 each; 5 standard deviations of a binomial are 204
    assertThat(counts.values()).allSatisfy(count -> assertThat(count).isBetween(1796, 2204));
  }

  @Test
  void randomWindowsStartAnywhereWithEqualChance() {
    BatchSampler sampler = new BatchSampler(counting(20), WindowSampling.RANDOM, 100, 10);
    int[] counts = new int[10];
    for (int start : starts(sampler, SamplerState.start(0), 200)) {
      counts[start]++;
    }
    // 20,000 draws over the 10 places where 11 tokens fit: 2000 each, 5 standard deviations are 212
    for (int count : counts) {
      assertThat((double) count).isEqualTo(2000, within(212.0));
    }
  }

  @ParameterizedTest
  @EnumSource(WindowSampling.class)
  void aTextOfOneWindowIsEnough(WindowSampling sampling) {
    TokenBatch batch = new BatchSampler(counting(4), sampling, 2, 3).batch(SamplerState.start(0));
    assertThat(batch.inputs()).containsExactly(0, 1, 2, 0, 1, 2);
    assertThat(batch.targets()).containsExactly(1, 2, 3, 1, 2, 3);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 3, 'the training text has 1 tokens, but seq_len 3 needs at least 4; give a longer text'",
    "3, 3, 'the training text has 3 tokens, but seq_len 3 needs at least 4; give a longer text "
        + "or seq_len 2'",
  })
  void aTextShorterThanAWindowIsRefusedWithTheNumbers(int size, int seq, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new BatchSampler(counting(size), WindowSampling.EPOCH, 2, seq))
        .withMessage(message);
  }

  @ParameterizedTest
  @CsvSource({"0, 3, batch_size 0", "2, 0, seq_len 0", "100000, 100000, at most 21474"})
  void sizesThatCannotBeAreRefused(int batch, int seq, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new BatchSampler(counting(9), WindowSampling.EPOCH, batch, seq))
        .withMessageContaining(message);
    assertThatIllegalArgumentException().isThrownBy(() -> new SamplerState(0, -1));
  }

  @Test
  void heldOutTextIsReadInOrderAndTheLastBatchMayBeSmaller() {
    EvaluationBatches batches = new EvaluationBatches(counting(25), 3, 4);
    List<Integer> sizes = new ArrayList<>();
    List<Integer> inputs = new ArrayList<>();
    List<Integer> targets = new ArrayList<>();
    for (TokenBatch batch : batches) {
      sizes.add(batch.batch());
      IntStream.of(batch.inputs()).forEach(inputs::add);
      IntStream.of(batch.targets()).forEach(targets::add);
    }
    assertThat(batches.windows()).isEqualTo(6);
    assertThat(sizes).containsExactly(3, 3);
    assertThat(inputs).isEqualTo(IntStream.range(0, 24).boxed().toList());
    assertThat(targets).isEqualTo(IntStream.range(1, 25).boxed().toList());
    assertThat(new EvaluationBatches(counting(21), 4, 4))
        .extracting(TokenBatch::batch)
        .containsExactly(4, 1);
  }

  @Test
  void endOfTheHeldOutTextIsAShorterWindow() {
    EvaluationBatches batches = new EvaluationBatches(counting(24), 4, 4);
    List<TokenBatch> all = new ArrayList<>();
    batches.forEach(all::add);

    assertThat(batches.windows()).isEqualTo(6);
    assertThat(all).extracting(TokenBatch::batch).containsExactly(4, 1, 1);
    assertThat(all.getLast().inputs()).containsExactly(20, 21, 22);
    assertThat(all.getLast().targets()).containsExactly(21, 22, 23);
  }

  @Test
  void tooLittleHeldOutTextIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new EvaluationBatches(counting(4), 3, 4))
        .withMessageStartingWith("the held-out text has 4 tokens, but seq_len 4 needs at least 5");
  }

  @Test
  void aPartOfAStreamHasItsOwnBounds() {
    TokenStream part = counting(10).part(3, 7);
    assertThat(part.size()).isEqualTo(4);
    assertThat(part.at(0)).isEqualTo(3);
    assertThat(part.part(1, 3).at(1)).isEqualTo(5);
    assertThatThrownBy(() -> part.at(4)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> part.copy(2, 3, new int[3], 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
