package bitnet.cli.option;

import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/// Commands name their options in snake case (`--output_dir`); here, once for all of them, dashes
/// are accepted for underscores (`--output-dir`).
///
/// The command line is rewritten before it is parsed, so help, completion and suggestions show one
/// spelling. Values are not touched: picocli refuses a separate value that equals an option's name.
public final class OptionSpelling {
  private OptionSpelling() {}

  /// The arguments with every option spelled as its command declares it.
  public static String[] canonical(CommandSpec root, String... args) {
    String[] canonical = args.clone();
    CommandSpec command = root;
    for (int i = 0; i < args.length && !args[i].equals("--"); i++) {
      CommandLine subcommand = command.subcommands().get(args[i]);
      if (subcommand != null) {
        command = subcommand.getCommandSpec();
      } else if (args[i].startsWith("--")) {
        canonical[i] = canonical(command, args[i]);
      }
    }
    return canonical;
  }

  private static String canonical(CommandSpec command, String argument) {
    int equals = argument.indexOf('=');
    String name = equals < 0 ? argument : argument.substring(0, equals);
    return Stream.concat(
                command.optionsMap().keySet().stream(),
                command.negatedOptionsMap().keySet().stream())
            .filter(declared -> dashed(declared).equals(dashed(name)))
            .findFirst()
            .orElse(name)
        + argument.substring(name.length());
  }

  private static String dashed(String name) {
    return name.replace('_', '-');
  }
}
