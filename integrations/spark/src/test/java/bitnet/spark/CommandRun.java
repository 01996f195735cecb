package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.cli.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;

/// What a `bitnet` command did in this JVM.
///
/// @param exitCode what the process would have ended with
/// @param out the standard output
/// @param err the standard error
record CommandRun(int exitCode, String out, String err) {

  static CommandRun of(Object... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode = Main.run(new PrintWriter(out), new PrintWriter(err), strings(args));
    return new CommandRun(exitCode, out.toString(), err.toString());
  }

  static CommandRun succeeding(Object... args) {
    CommandRun run = of(args);
    assertThat(run.exitCode()).as(run.err()).isZero();
    return run;
  }

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

  /// Checks that two directories of models hold the same bytes.
  static void assertEqualModels(Path actual, Path expected) throws IOException {
    try (Stream<Path> files = Files.list(expected)) {
      for (Path file : files.toList()) {
        assertThat(actual.resolve(file.getFileName())).hasSameBinaryContentAs(file);
      }
    }
  }

  static String[] strings(Object... args) {
    return Arrays.stream(args).map(Object::toString).toArray(String[]::new);
  }
}
