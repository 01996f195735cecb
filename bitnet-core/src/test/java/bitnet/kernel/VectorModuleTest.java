package bitnet.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class VectorModuleTest {
  @Test
  void theModuleIsLoadedWithoutAWordOrSaidToBeMissing() throws IOException {
    assertThat(askInJava("--add-exports=java.base/jdk.internal.module=ALL-UNNAMED"))
        .matches("vector (128|256|512)-bit\n");
    assertThat(askInJava("-Dwithout=flag"))
        .contains("jdk.incubator.vector is not loaded; start Java with --add-modules")
        .doesNotContain("WARNING");
  }

  /// What a JVM that was started with a flag says when it is asked for the vector kernels.
  private static String askInJava(String flag) throws IOException {
    String java = ProcessHandle.current().info().command().orElseThrow();
    String classPath = System.getProperty("java.class.path");
    Process process =
        new ProcessBuilder(java, flag, "-cp", classPath, Asking.class.getName())
            .redirectErrorStream(true)
            .start();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  /// Asks for the vector kernels and prints their name or why there are none.
  static final class Asking {
    private Asking() {}

    public static void main(String[] arguments) {
      try {
        System.out.print(KernelSelector.select("vector").name() + "\n");
      } catch (IllegalArgumentException unavailable) {
        System.out.print(unavailable.getMessage() + "\n");
      }
    }
  }
}
