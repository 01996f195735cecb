package bitnet.spark;

import java.io.PrintWriter;
import java.io.Writer;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/// The options of a command as an executor parses them again: what a task carries in the place of
/// objects that cannot be serialized.
final class TwinArguments {
  private TwinArguments() {}

  /// What followed the command's name on the command line, options of its `--config` included.
  ///
  /// @param more options that win over those, as `--threads=2`
  static List<String> of(CommandSpec command, List<String> more) {
    List<String> all = command.root().commandLine().getParseResult().originalArgs();
    List<String> own = new ArrayList<>(all.subList(all.indexOf(command.name()) + 1, all.size()));
    own.addAll(more);
    return own;
  }

  /// Gives a command these options.
  static <C> C parsed(C command, List<String> arguments) {
    new CommandLine(command)
        .setExpandAtFiles(false)
        .setOverwrittenOptionsAllowed(true)
        .setOut(new PrintWriter(Writer.nullWriter()))
        .parseArgs(arguments.toArray(String[]::new));
    return command;
  }
}
