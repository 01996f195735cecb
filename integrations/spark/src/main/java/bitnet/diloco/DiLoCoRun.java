package bitnet.diloco;

import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.training.CrossEntropyRun;
import bitnet.training.CrossEntropyTrainer;
import bitnet.training.CrossEntropyWorker;
import bitnet.training.OptionValues;
import bitnet.training.RunCheckpoints;
import bitnet.training.StopSignal;
import bitnet.training.TrainingListener;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// Cross-entropy training by several workers: a round after the other, each committed by one
/// checkpoint of the joined weights. A run that was killed continues after the last one.
///
/// @param run what a worker trains; its steps are those of a worker
/// @param settings of DiLoCo
public record DiLoCoRun(CrossEntropyRun run, DiLoCoSettings settings) {

  /// Makes the place where rounds run, once it is known that there is something to run.
  @FunctionalInterface
  public interface RoundExecutorSource {
    /// Makes it.
    ///
    /// @param worker the driver's own, for whoever runs in this process
    RoundExecutor open(CrossEntropyWorker worker) throws IOException;
  }

  /// Trains and writes the model.
  ///
  /// @param listener hears of every round
  /// @param say receives lines for the user
  /// @return whether all steps are done; otherwise the run can be resumed
  /// @throws IllegalArgumentException if the run cannot start as asked, saying what to change
  /// @throws bitnet.training.TrainingException if a worker diverges
  public boolean run(RoundExecutorSource executors, TrainingListener listener, Consumer<String> say)
      throws IOException {
    Optional<Path> resumed = run.directory().checkpoint(run.resume());
    try (CrossEntropyWorker worker = CrossEntropyWorker.open(run, say)) {
      long step = start(worker, resumed, say);
      announce(worker, say);
      RoundExecutor executor = executors.open(worker);
      step = rounds(executor, step, listener);
      if (step < steps()) {
        return false;
      }
      finish(worker, say);
      return true;
    }
  }

  private long steps() {
    return run.settings().schedule().steps();
  }

  private OptionValues options() {
    return run.options().putAll(settings.options());
  }

  /// @return the steps that are done
  private long start(CrossEntropyWorker worker, Optional<Path> resumed, Consumer<String> say)
      throws IOException {
    for (int shard = 0; shard < settings.workers(); shard++) { // refuses too short a text
      worker.trainer(shard, settings.workers(), run.directory().checkpoints()).close();
    }
    if (resumed.isEmpty()) {
      worker.writeStart(run.directory().checkpoints(), state(0));
      return 0;
    }
    List<String> differences = options().differences(RunCheckpoints.options(resumed.get()));
    if (!differences.isEmpty()) {
      throw new IllegalArgumentException(
          "%s was made with other options: %s; resume with the same ones"
              .formatted(resumed.get(), String.join(", ", differences)));
    }
    say.accept("resumed: " + resumed.get());
    return TrainingCheckpoint.step(resumed.get());
  }

  private ObjectNode state(long step) {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode state = mapper.createObjectNode().put("step", step);
    state.set("options", mapper.valueToTree(options().values()));
    return state;
  }

  /// Says what a round moves and what the driver needs, before it needs it.
  private void announce(CrossEntropyWorker worker, Consumer<String> say) {
    double weights =
        worker.weights().values().stream().mapToLong(each -> each.byteSize() / Float.BYTES).sum();
    long outer = settings.outerMomentum() > 0 ? 8 : 4;
    boolean rounded = settings.deltaType() != DeltaType.FP32;
    double state = rounded ? 16 : 12; // weights, two moments, and what rounding took
    double delta = rounded ? settings.deltaType().bytesPerWeight() : 0;
    double read = outer + state; // by a worker
    double written = state + delta;
    double held = outer + 8; // and the model, with room for gradients
    double driver =
        outer + settings.workers() * (rounded ? delta : state); // with the check of its hash
    say.accept(
        String.format(
            Locale.ROOT,
            "rounds: %d workers, %d steps each; a round reads %.0f MB and writes %.0f MB a worker,"
                + " the driver reads %.0f MB, writes %.0f MB and holds %.0f MB",
            settings.workers(),
            settings.innerSteps(),
            read * weights / 1e6,
            written * weights / 1e6,
            driver * weights / 1e6,
            outer * weights / 1e6,
            held * weights / 1e6));
  }

  private long rounds(RoundExecutor executor, long from, TrainingListener listener)
      throws IOException {
    OuterStep outer = new OuterStep(settings);
    long step = from;
    try (StopSignal stop = StopSignal.install()) {
      while (step < steps() && !stop.requested()) {
        long began = System.nanoTime();
        RoundPlan plan =
            new RoundPlan(
                run.directory().path().toAbsolutePath().toString(),
                settings.workers(),
                step,
                Math.min(settings.innerSteps(), steps() - step),
                settings.deltaType());
        List<RoundResult> results = executor.run(plan);
        try (Arena arena = Arena.ofConfined()) {
          Map<String, MemorySegment> joined = outer.apply(plan, results, arena);
          RoundPhase.JOINED.reached(plan, RoundPhase.DRIVER);
          TrainingCheckpoint.write(
              run.directory().checkpoints(),
              plan.end(),
              joined,
              state(plan.end()),
              run.settings().checkpoints().keep());
        }
        RoundPhase.COMMITTED.reached(plan, RoundPhase.DRIVER);
        double seconds = (System.nanoTime() - began) / 1e9;
        Optional<OuterEffect> effect =
            isDue(plan) ? Optional.of(executor.effect(plan)) : Optional.empty();
        step = plan.end();
        listener.stepped(report(plan, results, effect, seconds));
      }
    }
    return step;
  }

  /// Whether the held-out text is looked at after a round: where a step in it is due.
  private boolean isDue(RoundPlan plan) {
    long interval = run.settings().evaluation().interval();
    return plan.end() == steps()
        || (interval > 0 && plan.end() / interval > plan.step() / interval);
  }

  private RoundReport report(
      RoundPlan plan, List<RoundResult> results, Optional<OuterEffect> effect, double seconds) {
    double loss = results.stream().mapToDouble(RoundResult::loss).average().orElse(Double.NaN);
    double tokens = (double) run.settings().tokensPerStep() * plan.steps() * settings.workers();
    double left = (steps() - plan.end()) * seconds / plan.steps();
    return new RoundReport(
        plan, steps(), loss, effect, tokens / seconds, Duration.ofMillis((long) (1000 * left)));
  }

  private void finish(CrossEntropyWorker worker, Consumer<String> say) throws IOException {
    Path last = run.directory().checkpoints().resolve(TrainingCheckpoint.name(steps()));
    try (CrossEntropyTrainer trainer = worker.trainer(run.directory().checkpoints());
        TrainingCheckpoint joined = TrainingCheckpoint.open(last)) {
      trainer.replaceWeights(joined);
    }
    say.accept("wrote " + worker.write(run.directory()));
  }
}
