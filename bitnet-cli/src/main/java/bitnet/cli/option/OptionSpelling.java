package bitnet.cli.option;

import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/// Commands name their options in snake case (`--output_dir`). This class accepts dashes for
/// underscores (`--output-dir`) in all of them, and the names that options had in version 0.1.
///
/// The command line is rewritten before it is parsed, so help, completion and suggestions show one
/// spelling. Values are not touched: picocli refuses a separate value that equals an option's name.
///
/// `evaluate --samples` was the file of samples, and is their number: the value tells which.
public final class OptionSpelling {
  /// Option names of version 0.1, by command.
  private static final Map<String, Map<String, String>> FORMER =
      Map.ofEntries(
          Map.entry("train-ce", Map.of("--clip", "--max_grad_norm")),
          Map.entry("train-grpo", Map.of("--clip", "--max_grad_norm")),
          Map.entry("train-reward", Map.of("--model", "--model_type", "--head", "--reward_head")),
          Map.entry("infer", Map.of("--head", "--lm_head")),
          Map.entry("chat", Map.of("--head", "--lm_head")),
          Map.entry("evaluate", Map.of("--head", "--lm_head")),
          Map.entry("energy-rl", Map.of("--head", "--lm_head")),
          Map.entry(
              "bench grpo",
              Map.of(
                  "--queries", "--batch_size",
                  "--new", "--max_length",
                  "--hidden", "--hidden_size",
                  "--ffn", "--intermediate_size",
                  "--vocab", "--vocab_size")),
          Map.entry(
              "bench infer",
              Map.of(
                  "--prompt", "--prompt_tokens",
                  "--new", "--max_length",
                  "--batch", "--batch_size",
                  "--head", "--lm_head")),
          Map.entry(
              "bench train",
              Map.of(
                  "--batch", "--batch_size",
                  "--seq", "--seq_len",
                  "--hidden", "--hidden_size",
                  "--ffn", "--intermediate_size",
                  "--vocab", "--vocab_size")));

  private static final Predicate<String> NUMBER =
      Pattern.compile("[-+]?\\d*\\.?\\d*").asMatchPredicate();

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
        canonical[i] = canonical(command, args[i], i + 1 < args.length ? args[i + 1] : "");
      }
    }
    return canonical;
  }

  private static String canonical(CommandSpec command, String argument, String next) {
    int equals = argument.indexOf('=');
    String name = equals < 0 ? argument : argument.substring(0, equals);
    String value = equals < 0 ? next : argument.substring(equals + 1);
    return current(command, name, value) + argument.substring(name.length());
  }

  /// The name that a command declares for an option that may be spelled with dashes or as in an
  /// earlier version; the same name if it declares none.
  ///
  /// @param value of the option, where it has one
  static String current(CommandSpec command, String name, String value) {
    if (name.equals("--samples") && key(command).equals("evaluate") && !NUMBER.test(value)) {
      return "--samples_file";
    }
    String former = FORMER.getOrDefault(key(command), Map.of()).get(name);
    if (former != null) {
      return former;
    }
    return Stream.concat(
            command.optionsMap().keySet().stream(), command.negatedOptionsMap().keySet().stream())
        .filter(declared -> dashed(declared).equals(dashed(name)))
        .findFirst()
        .orElse(name);
  }

  private static String key(CommandSpec command) {
    return command.qualifiedName().replaceFirst("^bitnet ", "");
  }

  private static String dashed(String name) {
    return name.replace('_', '-');
  }
}
