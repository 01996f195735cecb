package bitnet.training;

import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.data.SamplerState;
import bitnet.graph.LlamaModel;
import bitnet.graph.TernaryStatistics;
import bitnet.metrics.StartReport;
import bitnet.metrics.StepReport;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// Trains a model on an objective: the one loop of gradients, guard, optimizer, evaluation and
/// checkpoints that all supervised training shares.
///
/// A run is a pure function of its weights, settings and data: stopped at any step and resumed
/// from its checkpoint it continues with the same numbers, bit for bit on a CPU with as many
/// threads.
///
/// @param <B> a batch
public final class ObjectiveTrainer<B> implements AutoCloseable {

  /// Seconds on which tokens per second are measured, at least.
  private static final double RATE_SECONDS = 2;

  private final LlamaModel model;
  private final Objective<B> objective;
  private final BatchSource<B> source;
  private final @Nullable Iterable<B> heldOut;
  private final LoopSettings settings;
  private final OptimizerStep optimizer;
  private final RunCheckpoints<TrainingState> checkpoints;
  private final OptionalDouble peakTokensPerSecond;
  private final TernaryStatistics watch;
  private long watchedStep;
  private final OptionValues options;
  private TrainingState state;
  private String broken = ""; // what was NaN or infinite in the last step

  /// Prepares a run.
  ///
  /// @param model that the objective computes with; closed by its owner
  /// @param heldOut the data to evaluate on, or null
  /// @param options of the run that must be equal on resuming
  /// @param checkpoints the directory for checkpoints
  /// @param peakTokensPerSecond at which this machine's matrix products would be at their peak,
  ///     where
  ///     that is known
  public ObjectiveTrainer(
      LlamaModel model,
      Objective<B> objective,
      BatchSource<B> source,
      @Nullable Iterable<B> heldOut,
      LoopSettings settings,
      OptionValues options,
      Path checkpoints,
      OptionalDouble peakTokensPerSecond) {
    this.model = model;
    this.objective = objective;
    this.source = source;
    this.heldOut = heldOut;
    this.settings = settings;
    this.options = options;
    this.optimizer =
        new OptimizerStep(model.ops(), objective.parameters(), settings.optimizer().adamW());
    this.checkpoints =
        new RunCheckpoints<>(
            optimizer, checkpoints, settings.checkpoints().keep(), TrainingState.class);
    this.peakTokensPerSecond = peakTokensPerSecond;
    this.watch = new TernaryStatistics(model);
    this.state = TrainingState.start(settings.seed(), options.values());
  }

  /// Continues from a checkpoint.
  ///
  /// @throws IllegalArgumentException if that run had other settings
  public void resume(Path checkpoint) throws IOException {
    state = checkpoints.resume(checkpoint, options, (saved, resumed) -> {});
  }

  /// Trains until the last step, a stop signal, or too many bad steps; saves at the end.
  ///
  /// @return whether all steps are done
  /// @throws TrainingException if the run diverges; the last checkpoint is from before that
  public boolean run(TrainingListener listener) throws IOException {
    model.ternarize(settings.sharpness(state.step()));
    Optional<TernaryStatistics.Health> health = watch.look();
    watchedStep = state.step();
    OptionalDouble before = evaluate();
    if (before.isPresent()) {
      listener.started(start(before.getAsDouble(), health));
    }
    return TrainingLoop.run(new Steps(listener), settings.checkpoints().saveInterval());
  }

  /// Takes over the weights of a checkpoint, and nothing else of it: moments, the place in the data
  /// and the schedule stay.
  ///
  /// @return the share of trits that this changed, of those that [TernaryStatistics] watches; 0
  ///     where they are frozen
  double replaceWeights(TrainingCheckpoint weights) throws IOException {
    model.ternarize(settings.sharpness(state.step()));
    watch.look();
    checkpoints.readWeights(weights);
    model.ternarize(settings.sharpness(state.step()));
    return watch.look().map(TernaryStatistics.Health::flipRate).orElse(0.0);
  }

  /// Makes the trits of the weights as they are, which a resumed run does before it computes.
  void ternarize() {
    model.ternarize(settings.sharpness(state.step()));
  }

  /// Trains for some steps, without looking at the held-out data and without a checkpoint.
  ///
  /// @throws TrainingException if the run diverges
  void advance(long steps, TrainingListener listener) throws IOException {
    Rate rate = new Rate();
    for (long end = state.step() + steps; state.step() < end; ) {
      step(rate, listener);
    }
  }

  /// Writes a checkpoint.
  ///
  /// @param more tensors of the caller's own, by name
  /// @throws TrainingException if the run has diverged
  Path save(Map<String, MemorySegment> more) throws IOException {
    requireSound();
    return checkpoints.save(state, more);
  }

  /// Steps of the whole run.
  public long steps() {
    return settings.schedule().steps();
  }

  /// Steps of the whole run, those before a resumption included, that changed no weight.
  public long skippedSteps() {
    return state.guard().skipped();
  }

  private StartReport start(double evalLoss, Optional<TernaryStatistics.Health> health) {
    SequencedMap<String, Double> row = new LinkedHashMap<>();
    row.put("eval_loss", evalLoss);
    health.ifPresent(trits -> row.put("zero_share", trits.zeroShare()));
    String text = String.format(Locale.ROOT, "held-out loss %.4f %s", evalLoss, objective.unit());
    return new StartReport(state.step(), settings.schedule().steps(), row, text);
  }

  /// This trainer in the loop of all trainers.
  private final class Steps implements TrainingLoop.Trainer {
    private final TrainingListener listener;
    private final Rate rate = new Rate();

    Steps(TrainingListener listener) {
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
      ObjectiveTrainer.this.step(rate, listener);
    }

    @Override
    public void save() throws IOException {
      requireSound();
      listener.saved(checkpoints.save(state, Map.of()));
      rate.restart();
    }

    @Override
    public RunCheckpoints<TrainingState> checkpoints() {
      return checkpoints;
    }
  }

  /// Refuses to save what has diverged. A step's loss is that of the weights before its update:
  /// what the last one did to them shows in the loss of the next batch.
  private void requireSound() {
    boolean last = state.step() == settings.schedule().steps();
    String fault = last ? broken : "";
    for (SamplerState at = state.sampler(); fault.isEmpty(); at = at.after(source.size())) {
      B batch = source.batch().apply(at);
      if (objective.items(batch) > 0
          || at.drawn() > state.sampler().drawn() + source.drawsPerEpoch()) {
        fault = SpikeGuard.notFinite(objective.sum(batch), 0);
        break;
      }
    }
    if (!fault.isEmpty()) {
      throw new TrainingException(
          "%s after step %d: the run has diverged, and nothing is written; use a lower `lr` or a"
                  .formatted(fault, state.step())
              + " longer `warmup`"
              + checkpoints.lastGood());
    }
    if (last && state.smoothed().weight() == 0) {
      throw new TrainingException(
          "no step changed a weight, as the sequences hold prompts only: give more or shorter"
              + " records, more `steps` or a longer seq_len");
    }
  }

  private boolean due(long interval) {
    return interval > 0 && state.step() % interval == 0;
  }

  private void step(Rate rate, TrainingListener listener) throws IOException {
    long step = state.step();
    SamplerState position = state.sampler();
    List<B> batches = new ArrayList<>();
    long tokens = 0;
    for (int i = 0; i < settings.gradAccum(); i++) {
      B batch = source.batch().apply(position);
      tokens += objective.tokens(batch);
      if (objective.items(batch) > 0) {
        batches.add(batch);
      }
      position = position.after(source.size());
    }
    if (batches.isEmpty()) {
      skipEmpty(position, listener);
      return;
    }
    model.seedDropout(settings.seed(), step);
    double mean = accumulate(batches);
    double gradNorm = optimizer.gradientNorm();
    SpikeGuard.Verdict verdict = settings.guard().check(state.guard(), mean, gradNorm);
    broken = SpikeGuard.notFinite(mean, gradNorm);
    SmoothedLoss smoothed = state.smoothed();
    double learningRate = settings.schedule().learningRate(step);
    if (verdict.action() == SpikeGuard.Action.ACCEPT) {
      optimizer.apply(
          learningRate,
          settings.schedule().weightDecay(step),
          gradNorm,
          settings.optimizer().maxGradNorm());
      model.ternarize(settings.sharpness(step + 1));
      smoothed = smoothed.add(mean);
    } else {
      optimizer.skip();
    }
    state = new TrainingState(step + 1, position, verdict.next(), smoothed, state.options());
    rate.add(tokens);
    switch (verdict.action()) {
      case ACCEPT -> report(rate, listener, mean, learningRate, gradNorm);
      case SKIP -> listener.skipped(state.step(), verdict.reason());
      case STOP -> throw new TrainingException(verdict.reason() + checkpoints.lastGood());
    }
  }

  /// Adds the gradients of the mean loss over the items of all batches, as of one large batch: a
  /// batch weighs as much as its share of the items.
  ///
  /// @return that mean
  private double accumulate(List<B> batches) {
    double items = batches.stream().mapToLong(objective::items).sum();
    double mean = 0;
    for (B batch : batches) {
      double weight = objective.items(batch) / items;
      mean += weight * objective.accumulate(batch, weight, settings.keep());
    }
    return mean;
  }

  /// Windows that hold prompts alone have no loss; 0 would count as a perfect one.
  private void skipEmpty(SamplerState position, TrainingListener listener) throws IOException {
    state =
        new TrainingState(
            state.step() + 1,
            position,
            state.guard().afterEmptyStep(),
            state.smoothed(),
            state.options());
    listener.skipped(
        state.step(), "its sequences hold prompts only, which completion_only_loss only reads");
  }

  private void report(
      Rate rate, TrainingListener listener, double mean, double learningRate, double gradNorm)
      throws IOException {
    long steps = settings.schedule().steps();
    OptionalDouble zeroShare = OptionalDouble.empty();
    OptionalDouble flipRate = OptionalDouble.empty();
    if (due(StepReport.WATCH_INTERVAL)) {
      Optional<TernaryStatistics.Health> health = watch.look();
      if (health.isPresent()) {
        zeroShare = OptionalDouble.of(health.get().zeroShare());
        // not after a resumption in between, nor where the step of the last look was skipped
        if (state.step() - watchedStep == StepReport.WATCH_INTERVAL) {
          flipRate = OptionalDouble.of(health.get().flipRate());
        }
      }
      watchedStep = state.step();
    }
    double perSecond = rate.tokensPerSecond();
    boolean look = due(settings.evaluation().interval()) || state.step() == steps;
    OptionalDouble evalLoss = look ? evaluate() : OptionalDouble.empty();
    if (look) {
      rate.restart();
    }
    double left = (steps - state.step()) * rate.secondsPerStep();
    listener.stepped(
        new StepReport(
            state.step(),
            steps,
            new StepReport.Losses(mean, state.smoothed().value(), evalLoss),
            learningRate,
            gradNorm,
            new StepReport.Speed(
                perSecond, utilization(perSecond), Duration.ofMillis((long) (1000 * left))),
            new StepReport.Trits(zeroShare, flipRate)));
  }

  private OptionalDouble utilization(double tokensPerSecond) {
    return peakTokensPerSecond.isEmpty()
        ? peakTokensPerSecond
        : OptionalDouble.of(tokensPerSecond / peakTokensPerSecond.getAsDouble());
  }

  /// The mean loss on the held-out data; empty without any.
  public OptionalDouble evaluate() {
    if (heldOut == null) {
      return OptionalDouble.empty();
    }
    double sum = 0;
    long items = 0;
    for (B batch : heldOut) {
      sum += objective.sum(batch);
      items += objective.items(batch);
      if (settings.evaluation().tokens() > 0 && items >= settings.evaluation().tokens()) {
        break;
      }
    }
    return items == 0 ? OptionalDouble.empty() : OptionalDouble.of(sum / items);
  }

  /// Tokens per second over the last few seconds.
  private static final class Rate {
    private long since = System.nanoTime();
    private long tokens;
    private long steps;
    private double last;
    private double secondsPerStep;

    /// Counts a step.
    void add(long count) {
      tokens += count;
      steps++;
    }

    /// After something that is not training.
    void restart() {
      since = System.nanoTime();
      tokens = 0;
      steps = 0;
    }

    double tokensPerSecond() {
      double seconds = (System.nanoTime() - since) / 1e9;
      if (last == 0 || seconds > RATE_SECONDS) {
        last = tokens / seconds;
        secondsPerStep = seconds / Math.max(1, steps);
        restart();
      }
      return last;
    }

    /// When [#tokensPerSecond] was measured.
    double secondsPerStep() {
      return secondsPerStep;
    }
  }

  @Override
  public void close() {
    watch.close();
    optimizer.close();
  }
}
