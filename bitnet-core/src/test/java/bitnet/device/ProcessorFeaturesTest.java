package bitnet.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bitnet.device.ProcessorFeatures.Instructions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessorFeaturesTest {
  @Test
  void linuxFlagsOfAnX86ProcessorAreRecognised() {
    ProcessorFeatures features = of("flags\t\t: fpu sse2 avx2 avx512f avx512_vnni avx512_bf16");

    assertThat(features.instructions())
        .containsExactlyInAnyOrder(
            Instructions.AVX2, Instructions.AVX512_VNNI, Instructions.AVX512_BF16);
    assertThat(features.hasBf16Products()).isTrue();
  }

  @Test
  void linuxFeaturesOfAnArmProcessorAreRecognised() {
    ProcessorFeatures features = of("Features\t: fp asimd asimddp i8mm bf16");

    assertThat(features.instructions()).containsExactly(Instructions.ARM_BF16);
  }

  @Test
  void sysctlFeaturesOfAnX86MacAreRecognised() {
    assertThat(
            of("machdep.cpu.leaf7_features: AVX2 AVX512VNNI")
                .instructions()
                .contains(Instructions.AVX512_VNNI))
        .isTrue();
  }

  @Test
  void sysctlFeaturesOfAnAppleProcessorCountOnlyWhenTheyAreOne() {
    assertThat(of("hw.optional.arm.FEAT_BF16: 1").hasBf16Products()).isTrue();
    assertThat(of("hw.optional.arm.FEAT_BF16: 0").hasBf16Products()).isFalse();
  }

  @Test
  void thisMachinesFeaturesAgreeWithProcCpuinfo() throws IOException {
    Path cpuinfo = Path.of("/proc/cpuinfo");
    assumeTrue(Files.isReadable(cpuinfo), "no /proc/cpuinfo on this system");
    String text = Files.readString(cpuinfo);

    ProcessorFeatures features = ProcessorFeatures.current();

    assertThat(features.instructions().contains(Instructions.AVX2))
        .isEqualTo(text.matches("(?s).*\\bavx2\\b.*"));
    assertThat(features.instructions().contains(Instructions.AVX512_VNNI))
        .isEqualTo(text.matches("(?s).*\\bavx512_vnni\\b.*"));
    assertThat(features.instructions().contains(Instructions.AVX512_BF16))
        .isEqualTo(text.matches("(?s).*\\bavx512_bf16\\b.*"));
    assertThat(features.name()).isNotBlank();
    assertThat(features.physicalCores()).isBetween(1, features.logicalCores());
  }

  private static ProcessorFeatures of(String line) {
    return ProcessorFeatures.of("test", 1, 1, List.of(line));
  }
}
