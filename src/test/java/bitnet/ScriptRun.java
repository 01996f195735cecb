package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// What a script of the project printed, run as a user runs it.
record ScriptRun(int exitCode, String out, String err) {
  static final Path ROOT = Path.of("../..").toAbsolutePath().normalize();

  /// The JVM's option for a process of a few seconds, a third of whose time went into optimizing.
  static final String SHORT_LIVED = "-XX:TieredStopAtLevel=1";

  private static final int MINUTES = 10;

  /// Skips the test where there is nothing to run.
  static void assumeBuilt() {
    assumeTrue(
        Files.exists(ROOT.resolve("bitnet-cli/target/class-path")),
        "bitnet-cli is not packaged; run ./mvnw verify");
  }

  /// Runs a command in a directory, whose files `out` and `err` it writes.
  ///
  /// @param environment joined to this process's
  static ScriptRun in(Path directory, Map<String, String> environment, String... command)
      throws IOException, InterruptedException {
    Path out = directory.resolve("out");
    Path err = directory.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    // these make the JVM itself talk, or choose another one
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.matches("JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|BITNET_.*"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    assertThat(process.waitFor(MINUTES, TimeUnit.MINUTES)).as("ended in time").isTrue();
    return new ScriptRun(
        process.exitValue(), Files.readString(out, UTF_8), Files.readString(err, UTF_8));
  }
}
