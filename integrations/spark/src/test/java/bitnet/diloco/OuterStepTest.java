package bitnet.diloco;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.checkpoint.TrainingCheckpoint;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OuterStepTest {
  private static final RoundResult FIRST = new RoundResult(0, 0, 0, 0, "", "");
  private static final RoundResult SECOND = new RoundResult(1, 0, 0, 0, "", "");

  @TempDir private Path directory;

  private RoundPlan plan(int workers, long step) {
    return new RoundPlan(directory.toString(), workers, step, 10, DeltaType.FP32);
  }

  private static void write(Path checkpoint, Map<String, float[]> tensors) throws IOException {
    Map<String, MemorySegment> memory = new LinkedHashMap<>();
    tensors.forEach((name, values) -> memory.put(name, MemorySegment.ofArray(values)));
    TrainingCheckpoint.write(
        checkpoint.resolve("..").normalize(),
        TrainingCheckpoint.step(checkpoint),
        memory,
        JsonNodeFactory.instance.objectNode(),
        2);
  }

  private static float[] floats(@Nullable MemorySegment memory) {
    return Objects.requireNonNull(memory).toArray(ValueLayout.JAVA_FLOAT);
  }

  private static DiLoCoSettings settings(double lr, double momentum) {
    return new DiLoCoSettings(2, 10, lr, momentum, DeltaType.FP32);
  }

  /// By hand, two rounds: Δ = 1 and v = 1, so θ = 10 - 0.5 (1 + 0.5); then Δ = 2 and
  /// v = 0.5 + 2, so θ = 9.25 - 0.5 (2 + 1.25).
  @Test
  void twoRoundsAreNesterovMomentumOnTheMeanChange() throws IOException {
    OuterStep outer = new OuterStep(settings(0.5, 0.5));
    write(plan(2, 0).weights(), Map.of("latent/w", new float[] {10}));
    write(plan(2, 0).nextState(0), Map.of("latent/w", new float[] {9.5f}));
    write(plan(2, 0).nextState(1), Map.of("latent/w", new float[] {8.5f}));
    try (Arena arena = Arena.ofConfined()) {
      Map<String, MemorySegment> first = outer.apply(plan(2, 0), List.of(FIRST, SECOND), arena);
      assertThat(floats(first.get("latent/w"))).containsExactly(9.25f);
      assertThat(floats(first.get("velocity/latent/w"))).containsExactly(1);

      write(
          plan(2, 10).weights(),
          Map.of("latent/w", new float[] {9.25f}, "velocity/latent/w", new float[] {1}));
      write(plan(2, 10).nextState(0), Map.of("latent/w", new float[] {7.25f}));
      write(plan(2, 10).nextState(1), Map.of("latent/w", new float[] {7.25f}));
      Map<String, MemorySegment> second = outer.apply(plan(2, 10), List.of(FIRST, SECOND), arena);
      assertThat(floats(second.get("latent/w"))).containsExactly(7.625f);
      assertThat(floats(second.get("velocity/latent/w"))).containsExactly(2.5f);
    }
  }

  @Test
  void aPlainStepTakesASingleWorkersWeightsAsTheyAre() throws IOException {
    float[] before = {0.1f, -3e-7f, 1f, 0, 12345.678f};
    float[] after = {0.3f, 5e-8f, -1e-3f, 0.7f, 1e-4f};
    write(plan(1, 0).weights(), Map.of("latent/w", before));
    write(plan(1, 0).nextState(0), Map.of("latent/w", after));
    try (Arena arena = Arena.ofConfined()) {
      Map<String, MemorySegment> stepped =
          new OuterStep(settings(1, 0)).apply(plan(1, 0), List.of(FIRST), arena);
      assertThat(floats(stepped.get("latent/w"))).containsExactly(after);
      assertThat(stepped).containsOnlyKeys("latent/w");
    }
  }
}
