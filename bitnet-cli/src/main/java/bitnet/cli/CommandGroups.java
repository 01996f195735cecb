package bitnet.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Column;
import picocli.CommandLine.Help.Column.Overflow;
import picocli.CommandLine.Help.TextTable;
import picocli.CommandLine.Model.UsageMessageSpec;

/// The list of commands in `bitnet --help`, by what one wants to do.
final class CommandGroups {
  private static final String OTHERS = "Other";

  private static final Map<String, List<String>> GROUPS = groups();

  private CommandGroups() {}

  private static Map<String, List<String>> groups() {
    Map<String, List<String>> groups = new LinkedHashMap<>();
    groups.put(
        "Make models and data",
        List.of("create-model", "train-tokenizer", "make-data", "convert", "verify", "inspect"));
    groups.put("Hugging Face hub", List.of("pull", "models"));
    groups.put("Train", List.of("train-ce", "train-grpo", "train-reward", "simple-reward"));
    groups.put("Run", List.of("infer", "chat", "serve", "logits"));
    groups.put("Evaluate", List.of("evaluate", "score", "bench", "energy-rl", "report"));
    groups.put("On a cluster", List.of("spark"));
    return groups;
  }

  /// One line a command; commands without a group come last.
  static String render(Help help) {
    Map<String, Help> remaining = new LinkedHashMap<>(help.subcommands());
    Map<String, List<Help>> present = new LinkedHashMap<>();
    GROUPS.forEach(
        (title, names) -> {
          List<Help> members = new ArrayList<>();
          for (String name : names) {
            Help member = remaining.remove(name);
            if (member != null) {
              members.add(member);
            }
          }
          present.put(title, members);
        });
    present.put(OTHERS, List.copyOf(remaining.values()));

    int nameWidth = help.subcommands().keySet().stream().mapToInt(String::length).max().orElse(0);
    StringBuilder text = new StringBuilder();
    present.forEach(
        (title, members) -> {
          if (!members.isEmpty()) {
            text.append(title).append(":%n".formatted());
            text.append(table(help, nameWidth, members));
          }
        });
    return text.toString();
  }

  private static TextTable table(Help help, int nameWidth, List<Help> members) {
    int width = help.commandSpec().usageMessage().width();
    TextTable table =
        TextTable.forColumns(
            help.colorScheme(),
            new Column(nameWidth + 2, 2, Overflow.SPAN),
            new Column(width - nameWidth - 2, 2, Overflow.WRAP));
    for (Help member : members) {
      table.addRowValues(
          help.colorScheme().commandText(member.commandSpec().name()),
          help.colorScheme().text(summary(member.commandSpec().usageMessage())));
    }
    return table;
  }

  private static String summary(UsageMessageSpec usage) {
    return Stream.of(usage.header(), usage.description())
        .flatMap(Arrays::stream)
        .findFirst()
        .map(String::formatted) // as picocli does: %n and %% are escapes in its annotations
        .orElse("");
  }
}
