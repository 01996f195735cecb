package bitnet.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Instruction sets that this machine need not have, compared with plain loops in C
/// (`src/test/c/agreement.c`): NEON under an emulator, AVX-512 translated to AVX2, AMX to loops.
/// And a compiler that need not have built the kernels here.
final class EmulatedKernelsTest {
  private static final Path KERNELS = Path.of("src", "main", "c");
  private static final Path TESTS = Path.of("src", "test", "c");

  @TempDir Path directory;

  @Test
  void neonKernelsAgreeWithPlainLoops() throws Exception {
    String compiler = "aarch64-linux-gnu-gcc";
    assumeTrue(
        onPath(compiler),
        "no cross compiler; apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross");
    List<String> emulators = List.of("qemu-aarch64", "qemu-aarch64-static");
    String emulator = emulators.stream().filter(EmulatedKernelsTest::onPath).findFirst().orElse("");
    assumeTrue(!emulator.isEmpty(), "no emulator of Arm processors; apt-get install qemu-user");
    Path program = compile(compiler, "neon", "-static", "-march=armv8.2-a+dotprod");
    assertThat(run(emulator, program.toString())).isEqualTo("neon agrees\n");
  }

  @Test
  void avx512KernelsAgreeWithPlainLoops() throws Exception {
    assumeTranslatable();
    Path program = compile("gcc", "avx512vnni", translation("avx512_by_simde.h"));
    assertThat(run(program.toString())).isEqualTo("avx512vnni agrees\n");
  }

  @Test
  void amxKernelsAgreeWithPlainLoops() throws Exception {
    assumeTranslatable();
    Path program = compile("gcc", "amx", translation("avx512_by_simde.h", "amx_by_loops.h"));
    assertThat(run(program.toString())).isEqualTo("amx agrees\n");
  }

  /// macOS has no other compiler.
  @Test
  void clangBuildsTheKernels() throws Exception {
    assumeTrue(onPath("clang"), "no clang; apt-get install clang");
    ProcessBuilder build =
        new ProcessBuilder("sh", KERNELS.resolve("build.sh").toString(), directory.toString());
    build.environment().put("CC", "clang");
    assertThat(run(build))
        .matches("native kernels: built \\S+ \\(.*\\) with clang\n(native kernels: built .*\n)?");
  }

  private static void assumeTranslatable() {
    assumeTrue(
        Files.exists(Path.of("/usr/include/simde/x86/avx512.h")),
        "no SIMDe; apt-get install libsimde-dev");
    assumeTrue(onPath("gcc"), "no gcc; apt-get install gcc");
    assumeTrue(
        hasAvx2(),
        "no AVX2, which AVX-512 is translated to; run on an x86-64 processor of 2013 or later");
  }

  /// What puts the functions of a header in place of instructions.
  private static String[] translation(String... headers) {
    List<String> flags = new ArrayList<>(List.of("-mavx2", "-mfma", "-mf16c"));
    for (String header : headers) {
      flags.addAll(List.of("-include", TESTS.resolve(header).toString()));
    }
    return flags.toArray(String[]::new);
  }

  private Path compile(String compiler, String set, String... flags) throws Exception {
    Path program = directory.resolve(set);
    List<String> command = new ArrayList<>(List.of(compiler, "-std=gnu11", "-O1"));
    command.addAll(List.of("-ffp-contract=off", "-I", KERNELS.toString(), "-DSET=" + set));
    command.addAll(Arrays.asList(flags));
    command.add(TESTS.resolve("agreement.c").toString());
    command.add(KERNELS.resolve(set + ".c").toString());
    command.addAll(List.of("-o", program.toString(), "-lm"));
    run(command.toArray(String[]::new));
    return program;
  }

  /// Everything that a command prints; a failing one fails the test.
  private static String run(String... command) throws IOException, InterruptedException {
    return run(new ProcessBuilder(command));
  }

  private static String run(ProcessBuilder command) throws IOException, InterruptedException {
    Process process = command.redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor())
        .as("%s: %s", String.join(" ", command.command()), output)
        .isZero();
    return output;
  }

  private static boolean hasAvx2() {
    try {
      return NativeKernels.openAll().stream().anyMatch(each -> each.name().equals("native avx2"));
    } catch (KernelSelector.UnavailableException reason) {
      return false;
    }
  }

  private static boolean onPath(String program) {
    String path = System.getenv().getOrDefault("PATH", "");
    return Stream.of(path.split(File.pathSeparator, -1))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }
}
