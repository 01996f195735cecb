package bitnet.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bitnet.kernel.KernelSelector.UnavailableException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NativeKernelsTest {

  @Test
  void aMachineWithACompilerHasNativeKernels() throws Exception {
    assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/cc")),
        "no C compiler; install gcc or clang as /usr/bin/cc");
    assertThat(NativeKernels.open().name()).startsWith("native ");
    assertThat(KernelSelector.select("auto").name()).isEqualTo(NativeKernels.open().name());
  }

  @Test
  void everyInstructionSetOfThisMachineCanBeForced() throws Exception {
    open();
    for (NativeKernels kernels : NativeKernels.openAll()) {
      String name = kernels.instructionSet();
      assertThat(KernelSelector.select(name).name()).isEqualTo("native " + name);
      assertThat(KernelSelector.reasons().getFirst()).startsWith("native: taken, ").contains(name);
    }
  }

  @Test
  void anUnknownKernelIsRefusedWithThoseThatCanRun() throws Exception {
    open();
    assertThatThrownBy(() -> KernelSelector.select("sse9"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(
            "kernel \"sse9\" is unknown here; use auto or one of native, vector, scalar, ")
        .hasMessageEndingWith(NativeKernels.openAll().getLast().instructionSet());
  }

  @Test
  void aPlatformWithoutALibraryIsToldWhatToDo() {
    assertThatThrownBy(() -> NativeLibrary.open("plan9-mips"))
        .isInstanceOf(UnavailableException.class)
        .hasMessageStartingWith("this build has no library for plan9-mips (it has ")
        .hasMessageEndingWith("); install a C compiler and build again");
  }

  @Test
  void aLibraryThatCannotBeWrittenIsExplained(@TempDir Path directory) throws Exception {
    open();
    Path missing = directory.resolve("missing");
    assertThatThrownBy(() -> NativeLibrary.open(NativeLibrary.platform(), missing))
        .isInstanceOf(UnavailableException.class)
        .hasMessageContaining("cannot be loaded")
        .hasMessageContaining(missing.toString())
        .hasMessageContaining("-Djava.io.tmpdir");
  }

  @Test
  void loadingLeavesNoFileBehind(@TempDir Path directory) throws Exception {
    open();
    NativeLibrary.open(NativeLibrary.platform(), directory);
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void segmentsThatAreTooSmallAreRefusedBeforeCSeesThem() {
    NativeKernels kernels = open();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment eight = arena.allocate(ValueLayout.JAVA_FLOAT, 8);
      MemorySegment nine = arena.allocate(ValueLayout.JAVA_FLOAT, 9);
      assertThatThrownBy(() -> kernels.siluGate(nine, nine, 9, eight))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessage("out has 32 bytes, 36 are needed");
      QuantizedActivations input = new QuantizedActivations(arena, 1, 9);
      assertThatThrownBy(() -> kernels.quantize(eight, input, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> kernels.quantize(nine, input, 1))
          .isInstanceOf(IndexOutOfBoundsException.class);
      Int8Matrix weights = new Int8Matrix(12, 9, arena);
      assertThatThrownBy(() -> kernels.multiply(weights, input, 1, 0, 9, eight, 9))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> kernels.multiply(weights, input, 1, 0, 13, nine, 13))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("rows 0 to 13 are not within a matrix of 12 rows");
      assertThatThrownBy(() -> kernels.multiply(weights, input, 2, 0, 1, nine, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("2 tokens asked of activations of 1");
    }
  }

  @Test
  void memoryThatWasFreedIsRefused() {
    NativeKernels kernels = open();
    MemorySegment freed;
    try (Arena arena = Arena.ofConfined()) {
      freed = arena.allocate(ValueLayout.JAVA_FLOAT, 8);
    }
    assertThatThrownBy(() -> kernels.siluGate(freed, freed, 8, freed))
        .isInstanceOf(IllegalStateException.class);
  }

  private static NativeKernels open() {
    try {
      return NativeKernels.open();
    } catch (UnavailableException reason) {
      assumeTrue(false, "no native kernels: " + reason.getMessage() + "; install a C compiler");
      throw new AssertionError(reason);
    }
  }
}
