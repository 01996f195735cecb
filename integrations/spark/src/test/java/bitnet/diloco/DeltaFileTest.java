package bitnet.diloco;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bitnet.format.safetensors.SafetensorsFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeltaFileTest {
  private static final int COUNT = 2 * DeltaFile.BLOCK + 7; // the last block is not full

  @TempDir private Path directory;

  private static float[] values() {
    Random random = new Random(5);
    float[] values = new float[COUNT];
    for (int i = 0; i < COUNT; i++) {
      values[i] = (float) (random.nextGaussian() * 1e-3);
    }
    return values;
  }

  private float[] written(DeltaType type, float[] deltas) throws IOException {
    Path file = directory.resolve("delta.safetensors");
    DeltaFile.write(file, type, Map.of("w", MemorySegment.ofArray(deltas)));
    float[] read = new float[COUNT];
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      DeltaFile.read(opened, "w", MemorySegment.ofArray(read));
    }
    return read;
  }

  /// bf16 keeps 8 bits of mantissa; int8 has 127 levels up to the largest of a block, here below 5
  /// standard deviations.
  @ParameterizedTest
  @CsvSource({"BF16, 2e-5", "INT8, 2e-5"})
  void whatIsReadAndWhatIsLeftAddUpToTheChange(DeltaType type, float most) throws IOException {
    float[] change = values();
    float[] rest = change.clone();
    float[] read = written(type, rest);

    assertThat(read).isNotEqualTo(change);
    for (int i = 0; i < COUNT; i++) {
      assertThat(read[i] + rest[i]).isCloseTo(change[i], within(1e-9f));
      assertThat(Math.abs(rest[i])).isLessThan(most);
    }
  }

  @Test
  void aBlockWithoutChangesStaysWithout() throws IOException {
    assertThat(written(DeltaType.INT8, new float[COUNT])).containsOnly(0);
  }
}
