package bitnet.device;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import oshi.SystemInfo;
import oshi.hardware.CentralProcessor;

/// What the processor can do that decides which kernel or number format is fast.
///
/// @param name the processor's name
/// @param physicalCores cores, hyper-threads not counted
/// @param logicalCores threads that run at once
/// @param instructions sets of instructions that the processor has
public record ProcessorFeatures(
    String name, int physicalCores, int logicalCores, Set<Instructions> instructions) {

  /// A set of instructions.
  public enum Instructions {
    /// 256-bit integer instructions.
    AVX2("avx2|pfavx2instructionsavailable"),
    /// 256-bit int8 dot products.
    AVX_VNNI("avxvnni"),
    /// 512-bit int8 dot products.
    AVX512_VNNI("avx512vnni"),
    /// 512-bit bf16 dot products.
    AVX512_BF16("avx512bf16"),
    /// bf16 tile products.
    AMX_BF16("amxbf16"),
    /// Arm's bf16 products.
    ARM_BF16("bf16|hw[.]optional[.]arm[.]featbf16");

    private final String flag; // a pattern of what the operating systems call it

    Instructions(String flag) {
      this.flag = flag;
    }
  }

  private static final Set<Instructions> BF16_PRODUCTS =
      Set.of(Instructions.AVX512_BF16, Instructions.AMX_BF16, Instructions.ARM_BF16);

  /// Copies the set.
  public ProcessorFeatures {
    instructions = Set.copyOf(instructions);
  }

  /// The features of this machine's processor.
  public static ProcessorFeatures current() {
    CentralProcessor processor = new SystemInfo().getHardware().getProcessor();
    return of(
        processor.getProcessorIdentifier().getName().strip(),
        processor.getPhysicalProcessorCount(),
        processor.getLogicalProcessorCount(),
        processor.getFeatureFlags());
  }

  /// @param lines as OSHI hands them on: `/proc/cpuinfo` lines, sysctl lines or Windows names
  static ProcessorFeatures of(
      String name, int physicalCores, int logicalCores, List<String> lines) {
    Set<String> flags =
        lines.stream().flatMap(ProcessorFeatures::flags).collect(Collectors.toUnmodifiableSet());
    return new ProcessorFeatures(
        name,
        physicalCores,
        logicalCores,
        Arrays.stream(Instructions.values())
            .filter(set -> flags.stream().anyMatch(flag -> flag.matches(set.flag)))
            .collect(Collectors.toUnmodifiableSet()));
  }

  /// `avx512_vnni` on Linux is `AVX512VNNI` on macOS, where absent ones may be listed with a 0.
  private static Stream<String> flags(String line) {
    String plain = line.toLowerCase(Locale.ROOT).replace("_", "");
    return plain.endsWith(": 0") ? Stream.empty() : Stream.of(plain.split("[^a-z0-9.]+", -1));
  }

  /// Whether bf16 products are computed by instructions of their own: emulated ones are slower
  /// than fp32.
  public boolean hasBf16Products() {
    return instructions.stream().anyMatch(BF16_PRODUCTS::contains);
  }
}
