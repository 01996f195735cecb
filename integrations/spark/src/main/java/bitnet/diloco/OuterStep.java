package bitnet.diloco;

import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.format.CheckpointException;
import bitnet.format.safetensors.SafetensorsFile;
import bitnet.storage.ContentDigest;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The outer step of DiLoCo: the mean change of the workers is a gradient for SGD with Nesterov
/// momentum. With θ the weights of the round and θ_m those of worker m after it,
///
/// ```
/// Δ = mean_m(θ - θ_m)      v ← μ v + Δ      θ ← θ - lr (Δ + μ v)
/// ```
///
/// Sums are taken in the order of the shards and in fp64, so that the result depends on nothing
/// else, and a learning rate of 1 without momentum leaves the weights of a single worker as they
/// are.
final class OuterStep {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final String LATENT = "latent/";
  private static final String VELOCITY = "velocity/";

  private final DiLoCoSettings settings;

  OuterStep(DiLoCoSettings settings) {
    this.settings = settings;
  }

  /// Reads the changes of one worker.
  private interface Changes extends AutoCloseable {
    /// Subtracts a change from nothing: fills `target` with `weights` minus the worker's, fp64.
    void read(String name, MemorySegment weights, double[] target) throws IOException;

    @Override
    void close();
  }

  /// The weights after the step, and the velocity where there is momentum.
  ///
  /// @param arena of the new tensors
  Map<String, MemorySegment> apply(RoundPlan plan, List<RoundResult> results, Arena arena)
      throws IOException {
    List<Changes> workers = new ArrayList<>();
    try (TrainingCheckpoint before = TrainingCheckpoint.open(plan.weights())) {
      for (RoundResult result : results) {
        workers.add(open(plan, result));
      }
      Map<String, MemorySegment> after = new LinkedHashMap<>();
      for (Map.Entry<String, Long> tensor : before.tensors().entrySet()) {
        if (tensor.getKey().startsWith(LATENT)) {
          step(tensor.getKey(), tensor.getValue(), before, workers, arena, after);
        }
      }
      return after;
    } finally {
      workers.forEach(Changes::close);
    }
  }

  private void step(
      String name,
      long bytes,
      TrainingCheckpoint before,
      List<Changes> workers,
      Arena arena,
      Map<String, MemorySegment> after)
      throws IOException {
    MemorySegment weights = arena.allocate(bytes, Float.BYTES);
    before.read(name, weights);
    int count = Math.toIntExact(bytes / Float.BYTES);
    double[] sum = new double[count];
    double[] change = new double[count];
    for (Changes worker : workers) {
      worker.read(name, weights, change);
      for (int i = 0; i < count; i++) {
        sum[i] += change[i];
      }
    }
    double momentum = settings.outerMomentum();
    MemorySegment velocity = arena.allocate(momentum == 0 ? 0 : bytes, Float.BYTES);
    String velocityName = VELOCITY + name;
    if (momentum > 0 && before.tensors().containsKey(velocityName)) {
      before.read(velocityName, velocity);
    }
    for (int i = 0; i < count; i++) {
      double mean = sum[i] / workers.size();
      double update = mean;
      if (momentum > 0) {
        float next = (float) (momentum * velocity.getAtIndex(FLOAT, i) + mean);
        velocity.setAtIndex(FLOAT, i, next);
        update += momentum * next;
      }
      weights.setAtIndex(
          FLOAT, i, (float) (weights.getAtIndex(FLOAT, i) - settings.outerLr() * update));
    }
    after.put(name, weights);
    if (momentum > 0) {
      after.put(velocityName, velocity);
    }
  }

  private static Changes open(RoundPlan plan, RoundResult result) throws IOException {
    return plan.deltaType().isRounded()
        ? new Rounded(plan.delta(result.shard()), result.digest())
        : new Exact(TrainingCheckpoint.open(plan.nextState(result.shard())));
  }

  /// The worker's weights themselves.
  private record Exact(TrainingCheckpoint state) implements Changes {
    @Override
    public void read(String name, MemorySegment weights, double[] target) throws IOException {
      MemorySegment trained = MemorySegment.ofArray(new float[target.length]);
      state.read(name, trained);
      for (int i = 0; i < target.length; i++) {
        target[i] = (double) weights.getAtIndex(FLOAT, i) - trained.getAtIndex(FLOAT, i);
      }
    }

    @Override
    public void close() {
      state.close();
    }
  }

  /// A file of rounded changes.
  private static final class Rounded implements Changes {
    private final SafetensorsFile file;

    Rounded(Path path, String digest) throws IOException {
      if (!ContentDigest.sha256(path).equals(digest)) {
        throw new CheckpointException(
            path, "is not what its worker wrote; check the storage that the workers share");
      }
      this.file = SafetensorsFile.open(path);
    }

    @Override
    public void read(String name, MemorySegment weights, double[] target) throws IOException {
      float[] change = new float[target.length];
      DeltaFile.read(file, name, MemorySegment.ofArray(change));
      for (int i = 0; i < target.length; i++) {
        target[i] = change[i];
      }
    }

    @Override
    public void close() {
      file.close();
    }
  }
}
