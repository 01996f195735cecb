package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.data.QaTemplate;
import bitnet.generation.BatchGenerator;
import bitnet.generation.Completion;
import bitnet.generation.GenerationSettings;
import bitnet.generation.SamplingSettings;
import bitnet.graph.LlamaModel;
import bitnet.model.LatentWeights;
import bitnet.model.TernarizedWeights;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.LogProbabilityPass;
import bitnet.training.PromptCompletion;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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

  /// Selects the random numbers of completions.
  ///
  /// @param step of the run
  /// @param purpose of the completions
  /// @param offset number of the first completion among those of the step with this purpose
  public record Draw(long step, Purpose purpose, long offset) {

    /// All completions of a step with a purpose.
    public static Draw of(long step, Purpose purpose) {
      return new Draw(step, purpose, 0);
    }

    long firstSequence() {
      return purpose.firstSequence(step) + offset;
    }
  }

  private final TernaryLlama llama;
  private PolicyWeights policy;
  private long version;
  private final Tokenizer tokenizer;
  private final Set<Integer> endTokens;
  private final BatchGenerator generator;
  private final List<String> stops;

  /// Packs the weights of a policy.
  ///
  /// @param policy is read now and by [#repack]
  /// @param endTokens that end a completion, in addition to the tokenizer's end of text
  public RolloutSampler(
      LatentWeights policy, Tokenizer tokenizer, Set<Integer> endTokens, RuntimeSettings settings)
      throws IOException {
    this(
        new PolicyWeights(new TernarizedWeights(policy), Optional.empty()),
        tokenizer,
        endTokens,
        settings);
  }

  /// Packs the weights of a policy that is trained, or its adapter.
  ///
  /// @param policy is read now and by [#repack]
  /// @param endTokens that end a completion, in addition to the tokenizer's end of text
  public RolloutSampler(
      LlamaModel policy, Tokenizer tokenizer, Set<Integer> endTokens, RuntimeSettings settings)
      throws IOException {
    this(PolicyWeights.of(policy), tokenizer, endTokens, settings);
  }

  /// Packs the weights of a policy.
  ///
  /// @param policy is read now
  /// @param endTokens that end a completion, in addition to the tokenizer's end of text
  public RolloutSampler(
      PolicyWeights policy, Tokenizer tokenizer, Set<Integer> endTokens, RuntimeSettings settings)
      throws IOException {
    this.policy = policy;
    this.llama = policy.load(settings);
    this.tokenizer = tokenizer;
    this.endTokens = Set.copyOf(endTokens);
    this.generator = new BatchGenerator(llama, tokenizer, endTokens, SLOTS);
    // a vocabulary without an end of text was trained with a line break in its place
    this.stops = tokenizer.endOfText().isEmpty() && endTokens.isEmpty() ? List.of("\n") : List.of();
  }

  /// Packs the weights of the policy again, after an update.
  public void repack(LlamaModel policy) throws IOException {
    repack(PolicyWeights.of(policy));
  }

  /// Packs other weights of the same dimensions.
  public void repack(PolicyWeights other) throws IOException {
    policy = other;
    version++;
    policy.reload(llama);
  }

  /// What ends a completion, in addition to the tokenizer's end of text.
  public Set<Integer> endTokens() {
    return endTokens;
  }

  /// The weights that were packed last, as they are now.
  public PolicyWeights policy() {
    return policy;
  }

  /// How often the weights were packed again: equal numbers mean equal weights.
  public long version() {
    return version;
  }

  /// Samples completions.
  ///
  /// @param prompts as text
  /// @param samples completions of each prompt
  /// @param draw selects the random numbers
  /// @return `[prompt][sample]`
  public List<List<Rollout>> sample(
      List<String> prompts, int samples, int maxLength, SamplingSettings sampling, Draw draw) {
    return sample(prompts, samples, maxLength, sampling, draw.firstSequence());
  }

  /// Samples the completions of a request, `[prompt][sample]`.
  List<List<Rollout>> sample(RolloutRequest request) {
    return sample(
        request.prompts().stream().map(RolloutRequest.Prompt::text).toList(),
        request.samples(),
        request.maxLength(),
        request.sampling(),
        request.firstSequence());
  }

  private List<List<Rollout>> sample(
      List<String> prompts,
      int samples,
      int maxLength,
      SamplingSettings sampling,
      long firstSequence) {
    List<int[]> encoded = prompts.stream().map(this::encode).toList();
    List<List<Completion>> completions =
        generator.generate(
            encoded,
            samples,
            firstSequence,
            new GenerationSettings(maxLength, stops, sampling).withRecord());
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
      List<QaRecord> records, int groupSize, int maxLength, SamplingSettings sampling, Draw draw) {
    List<String> prompts =
        records.stream().map(record -> QaTemplate.prompt(record.query())).toList();
    List<List<Rollout>> rollouts = sample(prompts, groupSize, maxLength, sampling, draw);
    return IntStream.range(0, records.size())
        .mapToObj(i -> Group.of(records.get(i), rollouts.get(i)))
        .toList();
  }

  /// The log-probabilities of completions under the packed policy, `[text][token]`.
  ///
  /// @param policy whose weights were packed last
  /// @param temperature of the distributions
  double[][] logProbabilities(
      LlamaModel policy, List<? extends PromptCompletion> texts, double temperature) {
    return LogProbabilityPass.of(
        policy,
        new LogProbabilityPass.Reference(CompletionStates.of(llama, texts), policy.effectiveHead()),
        texts,
        temperature);
  }

  /// The tokens of a prompt, with those that the tokenizer puts around every text, as generation
  /// and evaluation have them.
  public int[] encode(String prompt) {
    return tokenizer.encodeWithSpecialTokens(prompt);
  }

  /// Whether a prompt leaves room for a token in the model's context.
  public boolean fits(String prompt) {
    return encode(prompt).length < llama.config().contextLength();
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
