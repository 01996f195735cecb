package bitnet.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Percentage.withPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Against blocks that ggml's own Python package made (`blocks.json`): 2 rows of 512 weights.
class GgufBlocksTest {
  private static final Path GOLDEN = Path.of("src/test/resources/fixtures/gguf/blocks.json");

  private static JsonNode golden;
  private static float[] values;
  private static byte[] trits;

  @BeforeAll
  static void load() throws IOException {
    golden = new ObjectMapper().readTree(GOLDEN.toFile());
    values = new float[512 * golden.path("values").size()];
    int count = 0;
    for (JsonNode row : golden.path("values")) {
      for (JsonNode value : row) {
        values[count++] = value.floatValue();
      }
    }
    trits = new byte[count];
    for (int i = 0; i < count; i++) {
      trits[i] = (byte) Math.signum(values[i]);
    }
  }

  private static byte[] bytes(GgufType type) {
    return HexFormat.of().parseHex(golden.path(type.name()).textValue());
  }

  private static float[] decoded(GgufType type, byte[] bytes, int count) {
    float[] decoded = new float[count];
    FloatBlocks.toFloats(
        type, MemorySegment.ofArray(bytes), 0, count, MemorySegment.ofArray(decoded));
    return decoded;
  }

  private static byte[] unpacked(GgufType type, byte[] bytes, int count) {
    byte[] unpacked = new byte[count];
    int blocks = count / type.blockValues();
    TritBlocks.unpack(type, MemorySegment.ofArray(bytes), 0, blocks, unpacked, 0);
    return unpacked;
  }

  @ParameterizedTest
  @EnumSource(names = {"TQ1_0", "TQ2_0"})
  void goldenTritsAreUnpackedAndPackedByteForByte(GgufType type) {
    byte[] bytes = bytes(type);
    assertThat(bytes).hasSize((int) type.bytes(trits.length));
    assertThat(unpacked(type, bytes, trits.length)).isEqualTo(trits);

    byte[] packed = new byte[bytes.length];
    TritBlocks.pack(type, trits, Float.floatToFloat16(values[2]), packed);
    assertThat(packed).isEqualTo(bytes);
  }

  @ParameterizedTest
  @EnumSource(names = {"TQ1_0", "TQ2_0", "Q8_0", "F16"})
  void goldenValuesAreDecodedToOneMagnitudeWithTheirSigns(GgufType type) {
    float[] decoded = decoded(type, bytes(type), trits.length);
    float magnitude = decoded[2];
    assertThat(magnitude).isCloseTo(values[2], withPercentage(1));
    for (int i = 0; i < decoded.length; i++) {
      assertThat(decoded[i]).isEqualTo(magnitude * trits[i]);
    }
  }

  /// `v[j]<<6 | v[32+j]<<4 | v[64+j]<<2 | v[96+j]`, 32 bytes for 128 values.
  @Test
  void i2sHasTheLayoutOfTheFork() {
    byte[] some = new byte[256];
    Random random = new Random(4);
    for (int i = 0; i < some.length; i++) {
      some[i] = (byte) (random.nextInt(3) - 1);
    }
    byte[] packed = new byte[64];
    TritBlocks.pack(GgufType.I2_S, some, (short) 0, packed);
    for (int block = 0; block < 2; block++) {
      for (int j = 0; j < 32; j++) {
        int at = 128 * block + j;
        int expected =
            (some[at] + 1) * 64
                + (some[at + 32] + 1) * 16
                + (some[at + 64] + 1) * 4
                + (some[at + 96] + 1);
        assertThat(Byte.toUnsignedInt(packed[32 * block + j])).isEqualTo(expected);
      }
    }
    assertThat(unpacked(GgufType.I2_S, packed, 256)).isEqualTo(some);
  }

  @ParameterizedTest
  @EnumSource(names = {"TQ2_0", "I2_S"})
  void theCodeThreeIsNoTrit(GgufType type) {
    byte[] block = new byte[type.blockBytes()];
    block[5] = 0b0000_1100;
    assertThatThrownBy(() -> unpacked(type, block, type.blockValues()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a code is 3");
    MemorySegment data = MemorySegment.ofArray(block);
    assertThatThrownBy(() -> TritBlocks.validate(type, data, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a code is 3");
  }

  @Test
  void everyByteOfTq1IsFiveTrits() {
    for (int value = 0; value < 256; value++) {
      byte[] block = new byte[GgufType.TQ1_0.blockBytes()];
      Arrays.fill(block, (byte) value);
      for (byte trit : unpacked(GgufType.TQ1_0, block, 256)) {
        assertThat(trit).isBetween((byte) -1, (byte) 1);
      }
    }
  }
}
