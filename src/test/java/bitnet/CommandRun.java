package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import bitnet.cli.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// What a `bitnet` command did in this JVM.
///
/// @param exitCode what the process would have ended with
/// @param out the standard output
/// @param err the standard error
record CommandRun(int exitCode, String out, String err) {
  private static final Path SHAKESPEARE = Path.of("../../data/shakespeare.txt");
  private static final int TEXT_BYTES = 60_000;

  /// Runs the command.
  static CommandRun of(Object... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode = Main.run(new PrintWriter(out), new PrintWriter(err), strings(args));
    return new CommandRun(exitCode, out.toString(), err.toString());
  }

  /// Runs a command that must succeed.
  static CommandRun succeeding(Object... args) {
    CommandRun run = of(args);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    return run;
  }

  /// Starts the command in a JVM of its own, which can be killed.
  ///
  /// @param log receives what it prints
  static Process start(Path log, Object... args) throws IOException {
    return new ProcessBuilder(commandLine(args))
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start();
  }

  /// What starts the command in a JVM of its own.
  static List<String> commandLine(Object... args) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+UseSerialGC",
                ScriptRun.SHORT_LIVED,
                "-Xmx1g",
                "-Dai.djl.offline=true",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(List.of(strings(args)));
    return command;
  }

  /// Both lists of arguments, one after the other.
  static Object[] with(Object[] args, Object... more) {
    return Stream.concat(Arrays.stream(args), Arrays.stream(more)).toArray();
  }

  /// Makes a blank model of 140,000 parameters whose tokens are bytes, with a context of 64.
  static Path tinyModel(Path directory) {
    succeeding(
        "create-model",
        "--hidden_size=64",
        "--intermediate_size=192",
        "--layers=2",
        "--heads=1",
        "--tokenizer=bytes",
        "--context=64",
        "--output_dir",
        directory);
    return directory;
  }

  /// Writes the beginning of the bundled text to a file.
  static Path someText(Path file) throws IOException {
    String text = Files.readString(SHAKESPEARE, UTF_8);
    return Files.writeString(file, text.substring(0, TEXT_BYTES), UTF_8);
  }

  private static String[] strings(Object... args) {
    return Arrays.stream(args).map(Object::toString).toArray(String[]::new);
  }
}
