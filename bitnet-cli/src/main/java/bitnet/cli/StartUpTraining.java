package bitnet.cli;

import bitnet.cli.output.ExitCode;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/// The training run of the JVM's AOT cache (JEP 483), which the launcher makes: short commands that
/// load the classes a command needs until its own work begins.
///
/// Its one argument is a directory for the files of the run.
final class StartUpTraining {
  private StartUpTraining() {}

  /// Runs the commands.
  ///
  /// @throws IllegalStateException if one fails
  public static void main(String[] args) {
    Locale.setDefault(Locale.ROOT);
    String model = Path.of(args[0], "model").toString();
    run("--version");
    run("--help");
    run("train-grpo", "--help");
    run("create-model", "--params=1M", "--output_dir", model);
    run("infer", "--model_path", model, "--prompt=A", "--max_length=8", "--temperature=1");
  }

  private static void run(String... command) {
    PrintWriter nowhere =
        new PrintWriter(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
    int code = Main.run(nowhere, nowhere, command);
    if (code != ExitCode.OK) {
      throw new IllegalStateException(
          "%s: exit code %d".formatted(String.join(" ", command), code));
    }
  }
}
