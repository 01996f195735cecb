package bitnet.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.device.SystemMemory;
import bitnet.model.LlamaConfig;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryPlanTest {
  private static final long MIB = 1L << 20;

  // 10 layers of 4 * 512^2 + 3 * 512 * 1024 + 2 * 512 weights, two tables of 1000 * 512, a norm
  private static final LlamaConfig CONFIG =
      LlamaConfig.of(1000, 512, 1024, 10, 8).withContextLength(512);
  private static final long TERNARY = 10L * (4 * 512 * 512 + 3 * 512 * 1024);
  private static final long PARAMETERS = TERNARY + 10 * 2 * 512 + 2 * 1000 * 512 + 512;

  @Test
  void weightsGradientsAndMomentsTakeSixteenBytesAParameter() {
    MemoryPlan plan = plan(4, 256, false, false, 1000);

    assertThat(plan.weightsBytes() + plan.gradientsBytes() + plan.momentsBytes())
        .isEqualTo(16 * PARAMETERS);
    assertThat(plan.ternaryBytes()).isEqualTo(4 * TERNARY);
  }

  @ParameterizedTest
  @CsvSource({
    // layers * (input + quantized + qkv + attention + gate and up), elements by bytes
    "false, false, 10 * (512*4 + 2560*4 + 1536*4 + 512*4 + 2048*4), 286720",
    "false, true, 10 * (512*4 + 2560*2 + 1536*4 + 512*4 + 2048*4), 235520",
    "true, false, 10 * 512*4 + one layer, 49152",
    "true, true, 10 * 512*4 + one layer, 44032",
  })
  void activationsAreCountedByTokenAndLayer(
      boolean checkpointing, boolean bf16, String sum, long bytesPerToken) {
    assertThat(plan(4, 256, checkpointing, bf16, 1000).activationsBytes())
        .as(sum)
        .isEqualTo(4 * 256 * bytesPerToken);
  }

  @ParameterizedTest
  @CsvSource({"1, 100, 100", "4, 128, 512", "64, 256, 512"})
  void logitsExistForOneChunkOfTokens(int batch, int seq, int tokens) {
    assertThat(plan(batch, seq, false, false, 1000).logitsBytes())
        .isEqualTo(tokens * 1000L * 4 * 3);
  }

  @Test
  void theTableEndsWithTheTotalAndWhatIsAvailable() {
    MemoryPlan plan = plan(4, 256, false, false, 4096);

    assertThat(plan.describe().lines())
        .hasSize(8)
        .last()
        .asString()
        .contains("total", "1,252 MiB of 4,096 MiB");
    assertThat(plan.totalBytes())
        .isEqualTo(
            16 * PARAMETERS
                + plan.ternaryBytes()
                + plan.activationsBytes()
                + plan.logitsBytes()
                + 450 * MIB);
  }

  @Test
  void aRunThatFitsIsNotRefused() {
    plan(4, 256, false, false, 4096).requireFits();
  }

  @ParameterizedTest
  @CsvSource({
    "16, 512, 1500, 'use grad_checkpoint ('",
    "64, 512, 1500, 'use grad_checkpoint with batch_size 22 ('",
    "2, 16384, 1100, 'use grad_checkpoint with batch_size 1 seq_len 2048 ('",
    "1, 16, 900, 'no batch_size or seq_len fits, so use a smaller model or free memory'",
  })
  void aRunThatDoesNotFitIsRefusedWithOneThatDoes(
      int batch, int seq, long availableMib, String remedy) {
    MemoryPlan plan = plan(batch, seq, false, false, availableMib);

    assertThat(plan.fits()).isFalse();
    assertThatThrownBy(plan::requireFits)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("training needs about ")
        .hasMessageContaining(" MiB is available; " + remedy);
  }

  @Test
  void thisMachineHasMemory() {
    SystemMemory memory = SystemMemory.current();

    assertThat(memory.availableBytes()).isPositive().isLessThanOrEqualTo(memory.totalBytes());
  }

  @Test
  void attentionMaskOfABatchTakesTheSquareOfItsLengthTwice() {
    MemoryPlan plan = plan(2, 16, false, false, 900);

    assertThat(plan.maskBytes()).isZero();
    assertThat(plan.withMask(true).maskBytes()).isEqualTo(2 * 16 * 16 * 4 * 2);
    assertThat(plan.withMask(true).totalBytes()).isEqualTo(plan.totalBytes() + 4096);
    assertThat(plan.withMask(true).describe()).contains("attention mask");
  }

  @Test
  void anEmptyBatchIsRefused() {
    assertThatThrownBy(() -> plan(0, 16, false, false, 900))
        .hasMessage("batch 0 x seq 16 is empty; both must be at least 1");
  }

  private static MemoryPlan plan(
      int batch, int seq, boolean checkpointing, boolean bf16, long availableMib) {
    return new MemoryPlan(
        CONFIG,
        batch,
        seq,
        checkpointing,
        false,
        bf16,
        new SystemMemory(2 * availableMib * MIB, availableMib * MIB),
        Optional.empty());
  }
}
