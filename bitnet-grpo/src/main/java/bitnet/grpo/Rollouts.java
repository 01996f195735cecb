package bitnet.grpo;

import bitnet.generation.BatchGenerator;
import bitnet.generation.GenerationSettings;
import bitnet.generation.SamplingSettings;
import bitnet.model.LatentWeights;
import bitnet.model.TernarizedWeights;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/// Draws answers from the packed form of a policy.
final class Rollouts implements AutoCloseable {

  /// Sequences that advance together: as many as the kernels take at once.
  private static final int SLOTS = 128;

  /// What answers are drawn for; each has random numbers of its own.
  enum Purpose {
    FIRST(0),
    CORRECTION(1),
    FIRST_AGAIN(2),
    EVALUATION(3);

    private static final int COUNT = 4;

    private final int number;

    Purpose(int number) {
      this.number = number;
    }

    /// The number of the first sequence of a step; there is room for 2^32 of them.
    long firstSequence(long step) {
      return (step * COUNT + number) << Integer.SIZE;
    }
  }

  private final TernaryLlama llama;
  private final Tokenizer tokenizer;
  private final BatchGenerator generator;
  private final List<String> stops;

  /// @param policy is read now and by [#repack]
  /// @param endTokens that end an answer, besides the tokenizer's own
  Rollouts(
      LatentWeights policy, Tokenizer tokenizer, Set<Integer> endTokens, RuntimeSettings settings)
      throws IOException {
    this.llama = TernaryLlama.load(new TernarizedWeights(policy), settings);
    this.tokenizer = tokenizer;
    this.generator = new BatchGenerator(llama, tokenizer, endTokens, SLOTS);
    // a vocabulary without an end of text was trained with a line break in its place
    this.stops = tokenizer.endOfText().isEmpty() && endTokens.isEmpty() ? List.of("\n") : List.of();
  }

  /// Takes over the weights of the policy after an update.
  void repack(LatentWeights policy) throws IOException {
    llama.reload(new TernarizedWeights(policy));
  }

  /// Draws answers.
  ///
  /// @param samples answers to each prompt
  /// @param step of the run, which with the purpose selects the random numbers
  /// @return `[prompt][sample]`
  List<List<Sample>> draw(
      List<String> prompts,
      int samples,
      int maxLength,
      SamplingSettings sampling,
      long step,
      Purpose purpose) {
    List<int[]> encoded = prompts.stream().map(this::encode).toList();
    long first = purpose.firstSequence(step);
    var completions =
        generator.generate(
            encoded, samples, first, new GenerationSettings(maxLength, stops, sampling));
    List<List<Sample>> groups = new ArrayList<>();
    for (int i = 0; i < encoded.size(); i++) {
      int[] prompt = encoded.get(i);
      groups.add(
          completions.get(i).stream().map(completion -> Sample.of(prompt, completion)).toList());
    }
    return groups;
  }

  /// The tokens of a prompt, with those that the tokenizer puts around every text, as generation
  /// and evaluation have them.
  int[] encode(String prompt) {
    return tokenizer.encodeWithSpecialTokens(prompt);
  }

  /// Where each token of an answer ends in its text, in characters.
  int[] ends(Sample sample) {
    var decoder = tokenizer.streamDecoder();
    int[] response = sample.tokens().response();
    int[] ends = new int[response.length];
    int length = 0;
    for (int i = 0; i < response.length; i++) {
      boolean spelled = response[i] < tokenizer.vocabSize();
      length += spelled ? decoder.next(response[i]).length() : 0;
      ends[i] = Math.min(length, sample.text().length());
    }
    return ends;
  }

  /// What computes, for people.
  String description() {
    return llama.description();
  }

  /// All samples of groups, one after the other.
  static List<Sample> flat(List<List<Sample>> groups) {
    return groups.stream().flatMap(List::stream).toList();
  }

  /// Each of the items as often as said, one after the other.
  static <T> List<T> repeated(List<T> items, int times) {
    return items.stream().flatMap(item -> IntStream.range(0, times).mapToObj(i -> item)).toList();
  }

  @Override
  public void close() {
    llama.close();
  }
}
