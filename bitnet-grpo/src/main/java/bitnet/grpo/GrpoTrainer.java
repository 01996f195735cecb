package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.data.RecordSampler;
import bitnet.graph.LlamaModel;
import bitnet.graph.TernaryStatistics;
import bitnet.metrics.LogColumns;
import bitnet.metrics.StartReport;
import bitnet.reward.WeightedReward;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.OptimizerStep;
import bitnet.training.OptionValues;
import bitnet.training.RunCheckpoints;
import bitnet.training.TrainingException;
import bitnet.training.TrainingLoop;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Improves a policy on questions with checkable answers, with one layer or two.
///
/// A run is a pure function of its weights, settings and questions: stopped at any step and
/// resumed from its checkpoint it continues with the same numbers, bit for bit on a CPU with as
/// many threads.
public final class GrpoTrainer implements AutoCloseable {
  private final LlamaModel model;
  private final GrpoSettings settings;
  private final ExperienceSampler experience;
  private final OptimizerStep optimizer;
  private final WeightedReward rewards;
  private final RolloutSampler rollouts;
  private final RolloutSource source;
  private final @Nullable ReferencePolicy reference;
  private final PolicyOptimizer policyOptimizer;
  private final @Nullable SecondLayer secondLayer;
  private final HeldOutEvaluation heldOut;
  private final BestModel best;
  private final TernaryStatistics watch;
  private final LuckyAnswers lucky = new LuckyAnswers();
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
  /// @param best keeps the best model, where the settings ask for that
  public record Inputs(
      LlamaModel model,
      Tokenizer tokenizer,
      Set<Integer> endTokens,
      WeightedReward rewards,
      List<QaRecord> training,
      List<QaRecord> heldOut,
      BestModel best) {

    /// Inputs of a run that keeps no best model.
    public Inputs(
        LlamaModel model,
        Tokenizer tokenizer,
        Set<Integer> endTokens,
        WeightedReward rewards,
        List<QaRecord> training,
        List<QaRecord> heldOut) {
      this(model, tokenizer, endTokens, rewards, training, heldOut, kept -> {});
    }

    /// Copies the lists.
    public Inputs {
      endTokens = Set.copyOf(endTokens);
      training = List.copyOf(training);
      heldOut = List.copyOf(heldOut);
    }
  }

  /// Prepares a run that draws and scores its completions in this process.
  ///
  /// @param runtime of the packed policies
  /// @param directory for checkpoints
  /// @throws IllegalArgumentException if questions and answers do not fit the model's context
  public GrpoTrainer(Inputs inputs, GrpoSettings settings, RuntimeSettings runtime, Path directory)
      throws IOException {
    this(inputs, settings, runtime, directory, LocalRollouts::new);
  }

  /// Prepares a run.
  ///
  /// @param runtime of the packed policies
  /// @param directory for checkpoints
  /// @param sources where completions are drawn and scored
  /// @throws IllegalArgumentException if questions and answers do not fit the model's context
  public GrpoTrainer(
      Inputs inputs,
      GrpoSettings settings,
      RuntimeSettings runtime,
      Path directory,
      RolloutSource.Factory sources)
      throws IOException {
    this.model = inputs.model();
    this.settings = settings;
    this.best = inputs.best();
    this.rewards = inputs.rewards();
    this.optimizer =
        new OptimizerStep(model.ops(), model.parameters(), settings.optimizer().adamW());
    this.rollouts = new RolloutSampler(model, inputs.tokenizer(), inputs.endTokens(), runtime);
    this.source = sources.open(rollouts, new RewardStage(rewards, inputs.tokenizer()));
    this.experience =
        new ExperienceSampler(
            new RecordSampler<>(inputs.training(), settings.rollouts().prompts()),
            source,
            settings);
    this.reference = settings.isCompared() ? reference(model, settings, runtime) : null;
    this.policyOptimizer = optimizer(settings.rollouts().maxLength());
    this.secondLayer = settings.correction().map(this::secondLayer).orElse(null);
    this.heldOut =
        new HeldOutEvaluation(
            inputs.heldOut(),
            source,
            secondLayer == null ? null : secondLayer.correction(),
            settings);
    this.watch = new TernaryStatistics(model);
    this.checkpoints =
        new RunCheckpoints<>(optimizer, directory, settings.checkpoints().keep(), GrpoState.class);
    this.options = GrpoRunOptions.of(inputs, settings);
    this.state = GrpoState.start(settings.sampling().seed(), options.values());
    new LengthCheck(settings, model.config().contextLength())
        .check(inputs.training(), inputs.heldOut(), rollouts);
  }

  private static ReferencePolicy reference(
      LlamaModel model, GrpoSettings settings, RuntimeSettings runtime) throws IOException {
    long sync = settings.update().refSync();
    if (model.base().isEmpty()) {
      return new ReferencePolicy(model, model.manager(), runtime, sync > 0);
    }
    if (sync > 0) {
      throw new IllegalArgumentException(
          "ref_sync %d cannot be used with lora_rank, whose reference is the base; leave it out"
              .formatted(sync));
    }
    return ReferencePolicy.ofBase(model.base().get(), model.manager(), runtime);
  }

  private PolicyOptimizer optimizer(int maxLength) {
    return new PolicyOptimizer(model, optimizer, rollouts, reference, settings, maxLength);
  }

  private SecondLayer secondLayer(CorrectionSettings how) {
    return new SecondLayer(
        new SelfCorrection(rollouts, source, how, settings.rollouts()),
        optimizer(how.maxLength()),
        settings);
  }

  /// The columns of a [bitnet.metrics.MetricsLog].
  ///
  /// @param rewards their names, as in [WeightedReward.Term]
  public static LogColumns columns(List<String> rewards, GrpoSettings settings) {
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
    Optional<TernaryStatistics.Health> health = watch.look();
    boolean starts = state.step() == 0;
    if (starts && settings.evaluation().startAnswers() > 0) {
      for (String line : StartJudgement.of(experience, state.sampler(), settings).lines()) {
        listener.noticed(line);
      }
    }
    for (String remark : settings.loss().remarks()) {
      listener.noticed("warning: " + remark);
    }
    HeldOutEvaluation.Result before = heldOut.evaluate();
    if (!before.row().isEmpty()) {
      if (starts) {
        state = state.with(state.history().withStart(before.shares()));
        keepIfBest(before.row());
      }
      SequencedMap<String, Double> row = before.row();
      health.ifPresent(trits -> row.put("zero_share", trits.zeroShare()));
      listener.started(
          new StartReport(state.step(), settings.schedule().steps(), row, GrpoReport.heldOut(row)));
    }
    return TrainingLoop.run(new Steps(listener), settings.checkpoints().saveInterval());
  }

  /// The step whose model was kept as the best; empty if the last one is to be written.
  public OptionalLong bestStep() {
    long step = state.history().bestStep();
    return settings.evaluation().keepBest() == KeepBest.NONE
            || state.history().start().length == 0
            || step == state.step()
        ? OptionalLong.empty()
        : OptionalLong.of(step);
  }

  private void keepIfBest(SequencedMap<String, Double> row) throws IOException {
    KeepBest how = settings.evaluation().keepBest();
    Double value = how == KeepBest.NONE ? null : row.get(how.key());
    // of equals the latest
    if (value != null && value >= state.history().best()) {
      best.keep(model);
      state = state.with(state.history().withBest(state.step(), value));
    }
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
      return state.history().stopped() ? state.step() : settings.schedule().steps();
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

  /// One step: completions, rewards, advantages, an update; with two layers also corrections and
  /// their update.
  void advance(GrpoListener listener) throws IOException {
    StepTimes times = new StepTimes();
    SequencedMap<String, Double> row = new LinkedHashMap<>();
    ExperienceSampler.Experience first = experience.sample(state.sampler(), state.step(), times);
    List<CompletionRecord> shown =
        new ArrayList<>(CompletionRecord.ofFirst(first.groups(), state.step() + 1));
    GrpoMetrics.putAnswers(row, first, rewards);
    lucky.put(row, first);
    double rate = settings.schedule().learningRate(state.step()) * state.control().factor();
    row.put("lr", rate);
    List<Group> learned =
        settings.rollouts().dynamic().minGroups() > 0 ? first.informative() : first.groups();
    PolicyOptimizer.Outcome outcome =
        policyOptimizer.update(
            UpdateBatch.of(
                GroupAdvantages.of(
                    learned, settings.advantages(), settings.update().maskTruncated()),
                settings.update().prompts(settings.rollouts()),
                List.of()),
            rate,
            state.step(),
            state.guard(),
            times);
    outcome.put(row, "");
    state = state.with(outcome.guard()).withTokens(GrpoMetrics.tokens(first.groups()));
    report(outcome, listener);
    Map<String, String> texts = Map.of();
    if (secondLayer != null) {
      SecondLayer.Result second =
          secondLayer.advance(first.firstBatch().groups(), state, rate, row, times);
      state = second.state();
      texts = second.corrections().texts();
      report(second.outcome(), listener);
      shown.addAll(CompletionRecord.of(second.corrections(), state.step() + 1));
      answerAgain(first.firstBatch().records(), row, times);
    }
    finish(first, row, times);
    listener.drew(shown);
    evaluate(row, listener);
    listener.stepped(
        new GrpoReport(state.step(), settings.schedule().steps(), row, texts, source.sent()));
  }

  /// What the step did, to the weights and to the learning rate of the next one.
  private void finish(
      ExperienceSampler.Experience first, SequencedMap<String, Double> row, StepTimes times)
      throws IOException {
    watch.look().ifPresent(trits -> GrpoMetrics.putHealth(row, trits));
    row.put("num_tokens", (double) state.tokens());
    row.putAll(times.row());
    // of the layers that changed the weights
    OptionalDouble divergence =
        Stream.of("step_kl", GrpoMetrics.SECOND + "step_kl")
            .filter(row::containsKey)
            .mapToDouble(row::get)
            .max();
    state = state.next(first.records().size());
    if (divergence.isPresent()) {
      state =
          state.with(state.control().after(divergence.getAsDouble(), settings.update().targetKl()));
    }
    if (reference != null
        && settings.update().refSync() > 0
        && state.step() % settings.update().refSync() == 0) {
      reference.replace(model);
    }
  }

  /// Answers the questions of the step again, where that is asked for.
  private void answerAgain(
      List<QaRecord> records, SequencedMap<String, Double> row, StepTimes times)
      throws IOException {
    if (settings.correction().map(CorrectionSettings::answersAgain).orElse(false)) {
      List<Group> again =
          experience.answer(
              records,
              RolloutSampler.Draw.of(state.step(), RolloutSampler.Purpose.FIRST_AGAIN),
              times);
      state = state.withTokens(GrpoMetrics.tokens(again));
      row.put("t1_prime", GrpoMetrics.accuracy(GrpoMetrics.rollouts(again)));
    }
  }

  /// Evaluates on the held-out questions where it is time to.
  private void evaluate(SequencedMap<String, Double> row, GrpoListener listener)
      throws IOException {
    boolean last = state.step() == settings.schedule().steps();
    long interval = settings.evaluation().interval();
    if (!last && (interval == 0 || state.step() % interval != 0)) {
      return;
    }
    HeldOutEvaluation.Result result = heldOut.evaluate();
    row.putAll(result.row());
    keepIfBest(result.row());
    if (state.history().hasFallen(result.shares())) {
      OnRegression reaction = settings.evaluation().onRegression();
      switch (reaction) {
        case WARN -> {}
        case HALVE -> state = state.with(state.control().halved());
        case STOP -> state = state.with(state.history().asStopped());
      }
      listener.noticed(state.history().warning(result.shares(), reaction));
    }
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
