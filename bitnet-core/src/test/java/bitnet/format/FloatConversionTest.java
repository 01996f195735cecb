package bitnet.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FloatConversionTest {
  private static final int PATTERNS = 1 << 16;

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void everySixteenBitPatternSurvivesFp32(DType dtype) {
    short[] patterns = new short[PATTERNS];
    for (int i = 0; i < PATTERNS; i++) {
      patterns[i] = (short) i;
    }
    float[] floats = new float[PATTERNS];
    short[] back = new short[PATTERNS];
    FloatConversion.toFloats(
        dtype, MemorySegment.ofArray(patterns), MemorySegment.ofArray(floats), PATTERNS);
    FloatConversion.fromFloats(
        dtype, MemorySegment.ofArray(floats), MemorySegment.ofArray(back), PATTERNS);
    for (int i = 0; i < PATTERNS; i++) {
      if (!Float.isNaN(floats[i])) {
        assertThat(back[i]).isEqualTo(patterns[i]);
      }
    }
  }

  @Test
  void bfloat16IsTheNearestOneAndTiesGoToTheEvenOne() {
    Random random = new Random(42);
    for (int i = 0; i < 100_000; i++) {
      // a third of them exact ties, over the whole range of exponents
      int bits = random.nextInt(0x7f00_0000);
      float value = Float.intBitsToFloat(i % 3 == 0 ? (bits & 0xffff_0000) | 0x8000 : bits);
      int below = Float.floatToRawIntBits(value) >>> 16;
      double down = (double) value - Float.intBitsToFloat(below << 16);
      double up = (double) Float.intBitsToFloat((below + 1) << 16) - value;
      int nearest = down < up || (down == up && below % 2 == 0) ? below : below + 1;
      assertThat(FloatConversion.toBfloat16(value)).isEqualTo((short) nearest);
      assertThat(FloatConversion.toBfloat16(-value)).isEqualTo((short) (nearest | 0x8000));
    }
    assertThat(FloatConversion.toBfloat16(Float.MAX_VALUE)).isEqualTo((short) 0x7f80);
    assertThat(FloatConversion.toBfloat16(Float.NaN)).isEqualTo((short) 0x7fc0);
  }
}
