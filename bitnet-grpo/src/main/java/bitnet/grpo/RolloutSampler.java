package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.data.QaTemplate;
import bitnet.generation.BatchGenerator;
import bitnet.generation.Completion;
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

/// The first stage of a step: samples completions from the packed weights of a policy.
public final class RolloutSampler implements AutoCloseable {

  /// Sequences that advance together: as many as the kernels take at once.
  private static final int SLOTS = 128;

  /// What completions are sampled for; each purpose has random numbers of its own.
  public enum Purpose {
    /// First answers.
    FIRST(0),
    /// Corrections of first answers.
    CORRECTION(1),
    /// First answers of the updated policy.
    FIRST_AGAIN(2),
    /// Held-out questions.
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

  /// Packs the weights of a policy.
  ///
  /// @param policy is read now and by [#repack]
  /// @param endTokens that end a completion, in addition to the tokenizer's end of text
  public RolloutSampler(
      LatentWeights policy, Tokenizer tokenizer, Set<Integer> endTokens, RuntimeSettings settings)
      throws IOException {
    this.llama = TernaryLlama.load(new TernarizedWeights(policy), settings);
    this.tokenizer = tokenizer;
    this.generator = new BatchGenerator(llama, tokenizer, endTokens, SLOTS);
    // a vocabulary without an end of text was trained with a line break in its place
    this.stops = tokenizer.endOfText().isEmpty() && endTokens.isEmpty() ? List.of("\n") : List.of();
  }

  /// Packs the weights of the policy again, after an update.
  public void repack(LatentWeights policy) throws IOException {
    llama.reload(new TernarizedWeights(policy));
  }

  /// Samples completions.
  ///
  /// @param prompts as text
  /// @param samples completions of each prompt
  /// @param step of the run, which with the purpose selects the random numbers
  /// @return `[prompt][sample]`
  public List<List<Rollout>> sample(
      List<String> prompts,
      int samples,
      int maxLength,
      SamplingSettings sampling,
      long step,
      Purpose purpose) {
    List<int[]> encoded = prompts.stream().map(this::encode).toList();
    List<List<Completion>> completions =
        generator.generate(
            encoded,
            samples,
            purpose.firstSequence(step),
            new GenerationSettings(maxLength, stops, sampling));
    List<List<Rollout>> rollouts = new ArrayList<>();
    for (int i = 0; i < encoded.size(); i++) {
      int[] prompt = encoded.get(i);
      rollouts.add(
          completions.get(i).stream().map(completion -> Rollout.of(prompt, completion)).toList());
    }
    return rollouts;
  }

  /// Samples a group of completions for each record.
  public List<Group> sampleGroups(
      List<QaRecord> records,
      int groupSize,
      int maxLength,
      SamplingSettings sampling,
      long step,
      Purpose purpose) {
    List<String> prompts =
        records.stream().map(record -> QaTemplate.prompt(record.query())).toList();
    List<List<Rollout>> rollouts = sample(prompts, groupSize, maxLength, sampling, step, purpose);
    return IntStream.range(0, records.size())
        .mapToObj(i -> Group.of(records.get(i), rollouts.get(i)))
        .toList();
  }

  /// The tokens of a prompt, with those that the tokenizer puts around every text, as generation
  /// and evaluation have them.
  int[] encode(String prompt) {
    return tokenizer.encodeWithSpecialTokens(prompt);
  }

  /// What computes, for people.
  public String description() {
    return llama.description();
  }

  @Override
  public void close() {
    llama.close();
  }
}
