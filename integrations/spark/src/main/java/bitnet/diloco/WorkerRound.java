package bitnet.diloco;

import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.metrics.TrainingReport;
import bitnet.storage.ContentDigest;
import bitnet.training.CrossEntropyTrainer;
import bitnet.training.CrossEntropyWorker;
import bitnet.training.TrainingListener;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// A worker's part of a round, a pure function of files: (weights of the round, state of the
/// worker) to (change, state). Whoever runs it, and however often, writes the same bytes.
public final class WorkerRound {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final String RESIDUAL = "residual/";

  private WorkerRound() {}

  /// Hears that a worker is alive.
  @FunctionalInterface
  public interface Pulse {
    /// A step was done.
    void beat();
  }

  /// Trains.
  ///
  /// @param worker any that has the run's files open
  /// @param place for the result
  /// @throws bitnet.training.TrainingException if the worker's training diverges
  public static RoundResult run(
      CrossEntropyWorker worker, RoundPlan plan, int shard, String place, Pulse pulse)
      throws IOException {
    long began = System.nanoTime();
    try (CrossEntropyTrainer trainer = worker.trainer(shard, plan.workers(), plan.states(shard));
        TrainingCheckpoint start = TrainingCheckpoint.open(plan.weights())) {
      if (plan.step() > 0) {
        trainer.resume(plan.state(shard));
      }
      trainer.replaceWeights(start);
      RoundPhase.READ.reached(plan, shard);
      Losses losses =
          new Losses(
              () -> {
                RoundPhase.TRAINING.reached(plan, shard);
                pulse.beat();
              });
      trainer.advance(plan.steps(), losses);
      String digest = save(worker, trainer, plan, shard, start);
      RoundPhase.STATE_WRITTEN.reached(plan, shard);
      return new RoundResult(
          shard, losses.mean(), losses.skipped, (System.nanoTime() - began) / 1e9, digest, place);
    }
  }

  private static String save(
      CrossEntropyWorker worker,
      CrossEntropyTrainer trainer,
      RoundPlan plan,
      int shard,
      TrainingCheckpoint start)
      throws IOException {
    if (!plan.deltaType().isRounded()) {
      trainer.save(Map.of());
      return "";
    }
    try (Arena arena = Arena.ofConfined()) {
      Map<String, MemorySegment> rests = changes(arena, worker, plan, shard, start);
      Path file = plan.delta(shard);
      Files.createDirectories(plan.states(shard));
      DeltaFile.write(file, plan.deltaType(), rests);
      RoundPhase.CHANGE_WRITTEN.reached(plan, shard);
      Map<String, MemorySegment> kept = new LinkedHashMap<>();
      rests.forEach((name, rest) -> kept.put(RESIDUAL + name, rest));
      trainer.save(kept);
      Files.deleteIfExists(plan.delta(shard, plan.step() - plan.steps()));
      return ContentDigest.sha256(file);
    }
  }

  /// What the worker changed, and what rounding took from the change before.
  private static Map<String, MemorySegment> changes(
      Arena arena, CrossEntropyWorker worker, RoundPlan plan, int shard, TrainingCheckpoint start)
      throws IOException {
    Map<String, MemorySegment> changes = new LinkedHashMap<>();
    try (TrainingCheckpoint before =
        plan.step() > 0 ? TrainingCheckpoint.open(plan.state(shard)) : null) {
      for (Map.Entry<String, MemorySegment> weight : worker.weights().entrySet()) {
        MemorySegment now = weight.getValue();
        MemorySegment change = arena.allocate(now.byteSize(), Float.BYTES);
        MemorySegment rest = arena.allocate(now.byteSize(), Float.BYTES);
        start.read(weight.getKey(), change);
        if (before != null) {
          before.read(RESIDUAL + weight.getKey(), rest);
        }
        for (long i = 0; i < now.byteSize() / Float.BYTES; i++) {
          float delta = change.getAtIndex(FLOAT, i) - now.getAtIndex(FLOAT, i);
          change.setAtIndex(FLOAT, i, delta + rest.getAtIndex(FLOAT, i));
        }
        changes.put(weight.getKey(), change);
      }
    }
    return changes;
  }

  /// Measures what the outer step after a round did to the first worker's weights.
  public static OuterEffect effect(CrossEntropyWorker worker, RoundPlan plan) throws IOException {
    try (CrossEntropyTrainer trainer = worker.trainer(0, plan.workers(), plan.states(0));
        TrainingCheckpoint joined = TrainingCheckpoint.open(plan.nextWeights())) {
      trainer.resume(plan.nextState(0));
      double before = trainer.evaluate().orElse(Double.NaN);
      double flipped = trainer.replaceWeights(joined);
      return new OuterEffect(before, trainer.evaluate().orElse(Double.NaN), flipped);
    }
  }

  /// Averages the losses of the steps.
  private static final class Losses implements TrainingListener {
    private final Pulse pulse;
    private double sum;
    private long steps;
    private long skipped;

    Losses(Pulse pulse) {
      this.pulse = pulse;
    }

    double mean() {
      return sum / steps;
    }

    @Override
    public void started(TrainingReport report) {}

    @Override
    public void stepped(TrainingReport report) {
      sum += report.row().getOrDefault("loss", Double.NaN);
      steps++;
      pulse.beat();
    }

    @Override
    public void skipped(long step, String reason) {
      skipped++;
      pulse.beat();
    }

    @Override
    public void saved(Path checkpoint) {}
  }
}
