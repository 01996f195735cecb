package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.model.LoraTarget;
import bitnet.model.RandomAdapter;
import bitnet.model.TensorSpec;
import bitnet.quantization.TernaryQuantizer;
import bitnet.quantization.TernaryRows;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.EnumSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MergedModelTest {
  private static final LlamaConfig CONFIG =
      LlamaConfig.of(256, 64, 128, 2, 4).withKeyValueHeads(2).withContextLength(64);
  private static final LoraSettings SETTINGS =
      new LoraSettings(3, 6, EnumSet.of(LoraTarget.K, LoraTarget.DOWN), 0, false, true);

  @TempDir private Path directory;
  private Path model;
  private Path adapter;

  @BeforeEach
  void writeModelAndAdapter() throws IOException {
    model = directory.resolve("model");
    adapter = directory.resolve("adapter");
    write(model, true);
    AdapterDirectory.write(adapter, new RandomAdapter(SETTINGS, ""), CONFIG, "model");
  }

  private static void write(Path target, boolean latents) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      ModelDirectory.write(
          target,
          new BlankWeights(CONFIG, new LatentInitializer(1, 0.05)),
          tokenizer,
          latents,
          ModelDirectory.Existing.REFUSE);
    }
  }

  @Test
  void theProductOfTheFactorsIsAddedToTheLatentsOfTheTargets() throws IOException {
    try (ModelSource base = ModelSource.open(model);
        ModelSource merged = ModelSource.openMerged(model, adapter)) {
      for (TensorSpec tensor : CONFIG.tensors()) {
        float[] before = read(base.weights(), tensor);
        float[] after = read(merged.weights(), tensor);
        if (SETTINGS.adapts(tensor)) {
          float[] down = RandomAdapter.valuesOf(SETTINGS.down(tensor));
          float[] up = RandomAdapter.valuesOf(SETTINGS.up(tensor));
          for (int i = 0; i < before.length; i++) {
            double added = 0;
            for (int r = 0; r < 3; r++) {
              added +=
                  2.0
                      * up[i / tensor.columns() * 3 + r]
                      * down[r * tensor.columns() + i % tensor.columns()];
            }
            assertThat(after[i]).isCloseTo((float) (before[i] + added), within(1e-6f));
          }
        } else if (tensor.kind() == TensorSpec.Kind.NORM) {
          assertThat(after).isEqualTo(RandomAdapter.valuesOf(tensor));
        } else {
          assertThat(after).as(tensor.name()).isEqualTo(before);
        }
      }
    }
  }

  @Test
  void theTritsAreThoseOfTheMergedLatents() throws IOException {
    try (ModelSource base = ModelSource.open(model);
        ModelSource merged = ModelSource.openMerged(model, adapter)) {
      long all = 0;
      long changed = 0;
      for (TensorSpec tensor : CONFIG.tensors()) {
        if (tensor.kind() != TensorSpec.Kind.TERNARY) {
          continue;
        }
        TernaryRows after = merged.ternary().ternary(tensor);
        byte[] trits = trits(after);
        byte[] before = trits(base.ternary().ternary(tensor));
        if (SETTINGS.adapts(tensor)) {
          MemorySegment latents = MemorySegment.ofArray(read(merged.weights(), tensor));
          float scale = TernaryQuantizer.scale(latents, tensor.rows(), tensor.columns());
          byte[] expected = new byte[trits.length];
          TernaryQuantizer.quantize(latents, 0, scale, expected, 0, expected.length);
          assertThat(trits).isEqualTo(expected);
          assertThat(after.scale(0)).isEqualTo(scale);
          for (int i = 0; i < trits.length; i++) {
            changed += trits[i] == before[i] ? 0 : 1;
          }
          all += trits.length;
        } else {
          assertThat(trits).isEqualTo(before);
        }
      }
      assertThat(changed).isPositive();
      String share = "%.2f%% of the trits".formatted(100.0 * changed / all);
      assertThat(merged.remarks()).anyMatch(line -> line.contains(share));
    }
  }

  @Test
  void aModelOfTritsAloneIsRefused() throws IOException {
    Path packed = directory.resolve("packed");
    write(packed, false);

    assertThatThrownBy(() -> ModelSource.openMerged(packed, adapter))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(packed + " has trits only")
        .hasMessageContaining("leave the adapter apart");
  }

  private static byte[] trits(TernaryRows rows) {
    byte[] trits = new byte[rows.rows() * rows.columns()];
    rows.unpack(0, rows.rows(), trits);
    return trits;
  }

  private static float[] read(LatentWeights weights, TensorSpec tensor) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(tensor.count() * Float.BYTES, Float.BYTES);
      weights.read(tensor, values);
      return values.toArray(ValueLayout.JAVA_FLOAT);
    }
  }
}
