package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.data.RecordSampler;
import bitnet.generation.RandomStream;
import bitnet.graph.LlamaModel;
import bitnet.graph.TernaryStatistics;
import bitnet.metrics.StartReport;
import bitnet.reward.WeightedReward;
import bitnet.runtime.RuntimeSettings;
import bitnet.storage.ContentDigest;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.ModelOptionValues;
import bitnet.training.OptimizerStep;
import bitnet.training.OptionValues;
import bitnet.training.RunCheckpoints;
import bitnet.training.TrainingException;
import bitnet.training.TrainingLoop;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Improves a policy on questions with checkable answers, with one layer or two.
///
/// A run is a pure function of its weights, settings and questions: stopped at any step and
/// resumed from its checkpoint it continues with the same numbers, bit for bit on a CPU with as
/// many threads.
public final class GrpoTrainer implements AutoCloseable {
  private final LlamaModel model;
  private final GrpoSettings settings;
  private final RecordSampler<QaRecord> sampler;
  private final RewardStage rewards;
  private final OptimizerStep optimizer;
  private final RolloutSampler rollouts;
  private final @Nullable ReferencePolicy reference;
  private final PolicyOptimizer policyOptimizer;
  private final @Nullable SelfCorrection correction;
  private final PolicyOptimizer correctionOptimizer;
  private final HeldOutEvaluation heldOut;
  private final TernaryStatistics watch;
  private final RunCheckpoints<GrpoState> checkpoints;
  private final OptionValues options;
  private GrpoState state;

  /// What a trainer works with; all of it stays its owner's.
  ///
  /// @param model the policy; as it is now it is the first reference
  /// @param tokenizer of the model
  /// @param endTokens that end an answer, besides the tokenizer's own
  /// @param rewards of the completions
  /// @param training questions to learn from
  /// @param heldOut questions to evaluate on; may be empty
  public record Inputs(
      LlamaModel model,
      Tokenizer tokenizer,
      Set<Integer> endTokens,
      WeightedReward rewards,
      List<QaRecord> training,
      List<QaRecord> heldOut) {

    /// Copies the lists.
    public Inputs {
      endTokens = Set.copyOf(endTokens);
      training = List.copyOf(training);
      heldOut = List.copyOf(heldOut);
    }
  }

  /// Prepares a run.
  ///
  /// @param runtime of the packed policies
  /// @param directory for checkpoints
  /// @throws IllegalArgumentException if questions and answers do not fit the model's context
  public GrpoTrainer(Inputs inputs, GrpoSettings settings, RuntimeSettings runtime, Path directory)
      throws IOException {
    this.model = inputs.model();
    this.settings = settings;
    this.rewards = new RewardStage(inputs.rewards(), inputs.tokenizer());
    this.sampler = new RecordSampler<>(inputs.training(), settings.rollouts().prompts());
    this.optimizer = new OptimizerStep(model.ops(), model.parameters());
    this.rollouts = new RolloutSampler(model, inputs.tokenizer(), inputs.endTokens(), runtime);
    this.reference =
        settings.isCompared()
            ? new ReferencePolicy(model, runtime, settings.update().refSync() > 0)
            : null;
    this.policyOptimizer = optimizer(settings.rollouts().maxLength());
    this.correction =
        settings
            .correction()
            .map(each -> new SelfCorrection(rollouts, rewards, each, settings.sampling()))
            .orElse(null);
    this.correctionOptimizer =
        optimizer(
            settings
                .correction()
                .map(CorrectionSettings::maxLength)
                .orElse(settings.rollouts().maxLength()));
    this.heldOut =
        new HeldOutEvaluation(
            inputs.heldOut(), rollouts, rewards, correction, settings.rollouts().maxLength());
    this.watch = new TernaryStatistics(model);
    this.checkpoints =
        new RunCheckpoints<>(optimizer, directory, settings.checkpoints().keep(), GrpoState.class);
    this.options = options(inputs);
    this.state = GrpoState.start(settings.sampling().seed(), options.values());
    new LengthCheck(settings, model.config().contextLength())
        .check(inputs.training(), inputs.heldOut(), rollouts);
  }

  private PolicyOptimizer optimizer(int maxLength) {
    return new PolicyOptimizer(model, optimizer, rollouts, reference, settings, maxLength);
  }

  private OptionValues options(Inputs inputs) {
    return settings
        .options()
        .put("reward_model", rewardNames())
        .put("questions", inputs.training().size())
        .putContent(
            "dataset",
            ContentDigest.of(inputs.training().toString().getBytes(StandardCharsets.UTF_8)))
        .put("dtype", model.computeType().key())
        .putAll(ModelOptionValues.of(model.config()));
  }

  /// The weighted sum, `1*f1 + 0.5*length`.
  private String rewardNames() {
    return rewards.rewards().terms().stream()
        .map(term -> "%s*%s".formatted(OptionValues.text(term.weight()), term.name()))
        .collect(Collectors.joining(" + "));
  }

  /// The names of the metrics, for a [bitnet.metrics.MetricsLog].
  ///
  /// @param rewards their names, as in [WeightedReward.Term]
  public static List<String> metrics(List<String> rewards, GrpoSettings settings) {
    return GrpoMetrics.columns(rewards, settings.correction());
  }

  /// What draws the answers, for people.
  public String description() {
    return rollouts.description();
  }

  /// Goes on where a checkpoint was made.
  ///
  /// @throws IllegalArgumentException if that run had other settings
  public void resume(Path checkpoint) throws IOException {
    state =
        checkpoints.resume(
            checkpoint,
            options,
            (saved, resumed) -> {
              for (Map.Entry<String, MemorySegment> tensor : referenceTensors().entrySet()) {
                saved.read(tensor.getKey(), tensor.getValue());
              }
            });
    model.ternarize();
    rollouts.repack(model);
    if (reference != null && settings.update().refSync() > 0) {
      reference.reload();
    }
  }

  private Map<String, MemorySegment> referenceTensors() {
    return reference == null ? Map.of() : reference.tensors();
  }

  /// Trains until the last step, a stop signal, or too many bad updates; saves at the end.
  ///
  /// @return whether all steps are done
  /// @throws TrainingException if the run diverges; the last checkpoint is from before that
  public boolean run(GrpoListener listener) throws IOException {
    double zeroShare = watch.look().zeroShare();
    SequencedMap<String, Double> before = heldOut.evaluate();
    if (!before.isEmpty()) {
      before.put("zero_share", zeroShare);
      listener.started(
          new StartReport(
              state.step(), settings.schedule().steps(), before, GrpoReport.heldOut(before)));
    }
    return TrainingLoop.run(new Steps(listener), settings.checkpoints().saveInterval());
  }

  /// This trainer in the loop of all trainers.
  private final class Steps implements TrainingLoop.Trainer {
    private final GrpoListener listener;

    Steps(GrpoListener listener) {
      this.listener = listener;
    }

    @Override
    public long step() {
      return state.step();
    }

    @Override
    public long steps() {
      return settings.schedule().steps();
    }

    @Override
    public void advance() throws IOException {
      GrpoTrainer.this.advance(listener);
    }

    @Override
    public void save() throws IOException {
      requireLearnt();
      listener.saved(checkpoints.save(state, referenceTensors()));
    }

    @Override
    public RunCheckpoints<GrpoState> checkpoints() {
      return checkpoints;
    }
  }

  /// One step: answers, rewards, an update; with two layers also corrections and their update.
  void advance(GrpoListener listener) throws IOException {
    StepTimes times = new StepTimes();
    SequencedMap<String, Double> row = new LinkedHashMap<>();
    List<QaRecord> records = sampler.batch(state.sampler());
    List<Group> first = answer(records, RolloutSampler.Purpose.FIRST, times);
    List<CompletionRecord> shown =
        new ArrayList<>(CompletionRecord.ofFirst(first, state.step() + 1));
    GrpoMetrics.putAnswers(row, first, rewards.rewards());
    row.put("lr", settings.schedule().learningRate(state.step()));
    List<Group> advantages =
        GroupAdvantages.of(first, settings.scaling(), settings.update().maskTruncated());
    PolicyOptimizer.Outcome outcome =
        policyOptimizer.update(
            GrpoMetrics.rollouts(advantages), state.step(), state.guard(), times);
    outcome.put(row, "");
    state = state.with(outcome.guard()).withTokens(tokens(first));
    report(outcome, listener);
    if (correction != null) {
      secondLayer(correction, first, records, shown, row, times, listener);
    }
    GrpoMetrics.putHealth(row, watch.look());
    row.put("num_tokens", (double) state.tokens());
    row.putAll(times.row());
    state = state.next(settings.rollouts().prompts());
    if (reference != null
        && settings.update().refSync() > 0
        && state.step() % settings.update().refSync() == 0) {
      reference.replace(model);
    }
    listener.drew(shown);
    boolean last = state.step() == settings.schedule().steps();
    if (last || (settings.evalInterval() > 0 && state.step() % settings.evalInterval() == 0)) {
      row.putAll(heldOut.evaluate());
    }
    listener.stepped(new GrpoReport(state.step(), settings.schedule().steps(), row));
  }

  /// The first two stages: completions with their rewards.
  private List<Group> answer(
      List<QaRecord> records, RolloutSampler.Purpose purpose, StepTimes times) {
    List<Group> groups =
        times.time(
            StepTimes.Part.GENERATION,
            () ->
                rollouts.sampleGroups(
                    records,
                    settings.rollouts().groupSize(),
                    settings.rollouts().maxLength(),
                    settings.sampling(),
                    state.step(),
                    purpose));
    return times.time(StepTimes.Part.REWARD, () -> rewards.score(groups));
  }

  private static long tokens(List<Group> groups) {
    return groups.stream().mapToLong(GrpoMetrics::tokens).sum();
  }

  private void secondLayer(
      SelfCorrection layer,
      List<Group> first,
      List<QaRecord> records,
      List<CompletionRecord> shown,
      SequencedMap<String, Double> row,
      StepTimes times,
      GrpoListener listener)
      throws IOException {
    CorrectionSettings how = settings.correction().orElseThrow();
    Corrections corrections =
        layer.correct(
            first,
            how.corrections(),
            settings.sampling(),
            state.step(),
            RolloutSampler.Purpose.CORRECTION,
            times);
    RandomStream random = new RandomStream(~settings.sampling().seed(), state.step());
    List<Rollout> learned =
        new ArrayList<>(SelfCorrection.advantages(corrections, settings.update().maskTruncated()));
    state.buffer().draw(how.replayed(), random).stream()
        .map(ReplayBuffer.Entry::rollout)
        .forEach(learned::add);
    PolicyOptimizer.Outcome outcome =
        correctionOptimizer.update(learned, state.step(), state.guard(), times);
    outcome.put(row, GrpoMetrics.SECOND);
    state =
        state
            .with(outcome.guard())
            .with(state.buffer().with(SelfCorrection.successes(corrections), how.bufferSize()));
    report(outcome, listener);
    List<Group> again = answer(records, RolloutSampler.Purpose.FIRST_AGAIN, times);
    state = state.withTokens(corrections.tokens() + tokens(again));
    GrpoMetrics.putCorrections(row, corrections, how.corrections());
    row.put("t1_prime", GrpoMetrics.accuracy(GrpoMetrics.rollouts(again)));
    row.put("buffer_size", (double) state.buffer().entries().size());
    shown.addAll(CompletionRecord.of(corrections, state.step() + 1));
  }

  /// Refuses to save the end of a run whose last updates were NaN or infinite.
  private void requireLearnt() {
    int skipped = state.guard().skippedInARow();
    if (state.step() == settings.schedule().steps() && skipped > 0) {
      throw new TrainingException(
          "the last %d updates were NaN or infinite: the run has diverged, and its end is not"
                  .formatted(skipped)
              + " written; use a lower `lr`"
              + checkpoints.lastGood());
    }
  }

  private void report(PolicyOptimizer.Outcome outcome, GrpoListener listener) throws IOException {
    for (String reason : outcome.skipped()) {
      listener.skipped(state.step() + 1, reason);
    }
    if (outcome.stopped()) {
      throw new TrainingException(outcome.skipped().getLast() + checkpoints.lastGood());
    }
  }

  @Override
  public void close() {
    watch.close();
    if (reference != null) {
      reference.close();
    }
    rollouts.close();
    optimizer.close();
  }
}
