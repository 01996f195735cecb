package bitnet.cli.option;

import bitnet.storage.TextInput;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/// `--config FILE`: options of a command from a JSON or YAML file, keyed by their names without
/// dashes. An option on the command line beats the file, the file beats the default.
public final class ConfigFile {
  private static final String OPTION = "--config";
  private static final int LARGEST = 1 << 20; // bytes

  private ConfigFile() {}

  /// What a command with `--config` mixes in.
  public static final class Mixin {
    @picocli.CommandLine.Option(
        names = OPTION,
        paramLabel = "FILE",
        description =
            "Options from a JSON or YAML file, by name without dashes; those on the command line"
                + " win.")
    @SuppressWarnings("unused") // its value was taken by expand, before picocli came to it
    private Path config;

    private Mixin() {}
  }

  /// The arguments with the file's options added, where they name a file.
  ///
  /// @throws IllegalArgumentException if the file is not a flat map of the command's options
  public static String[] expand(CommandSpec root, String... args) throws IOException {
    CommandSpec command = root;
    Set<String> given = new HashSet<>();
    Path file = null;
    for (int i = 0; i < args.length && !args[i].equals("--"); i++) {
      if (command.subcommands().containsKey(args[i])) {
        command = command.subcommands().get(args[i]).getCommandSpec();
        continue;
      }
      int equals = args[i].indexOf('=');
      String name = equals < 0 ? args[i] : args[i].substring(0, equals);
      given.add(name);
      if (name.equals(OPTION) && command.findOption(OPTION) != null) {
        file = Path.of(equals < 0 ? next(args, i) : args[i].substring(equals + 1));
      }
    }
    if (file == null) {
      return args;
    }
    List<String> expanded = new ArrayList<>(List.of(args));
    Set<String> named = new HashSet<>();
    for (Map.Entry<String, JsonNode> entry : read(file).properties()) {
      OptionSpec option =
          command.findOption(
              OptionSpelling.current(command, "--" + entry.getKey(), entry.getValue().asText()));
      if (option == null || option.longestName().equals(OPTION)) {
        throw new IllegalArgumentException(
            "%s: key \"%s\" is not an option of bitnet %s; see its --help"
                .formatted(file, entry.getKey(), command.name()));
      }
      if (!named.add(option.longestName())) {
        throw new IllegalArgumentException(
            "%s: %s is given twice, once as \"%s\"; keep one of them"
                .formatted(file, option.longestName().substring(2), entry.getKey()));
      }
      if (!given.contains(option.longestName())) {
        add(expanded, file, option, entry.getValue());
      }
    }
    return expanded.toArray(String[]::new);
  }

  private static String next(String[] args, int index) {
    if (index + 1 == args.length) {
      throw new IllegalArgumentException("--config needs a file");
    }
    return args[index + 1];
  }

  private static JsonNode read(Path file) throws IOException {
    ObjectMapper mapper =
        (file.toString().endsWith(".json")
                ? new ObjectMapper()
                : new ObjectMapper(new YAMLFactory()))
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    try {
      JsonNode root = mapper.readTree(TextInput.readAll(file, LARGEST));
      if (!root.isObject()) {
        throw new IllegalArgumentException(
            file + ": is not a map of options; write lines like \"batch_size: 8\"");
      }
      return root;
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "%s:%d: %s"
              .formatted(
                  file,
                  e.getLocation() == null ? 1 : e.getLocation().getLineNr(),
                  e.getOriginalMessage().lines().findFirst().orElse("is not valid")),
          e);
    }
  }

  private static boolean isSet(Path file, OptionSpec option, JsonNode value) {
    return switch (value.asText().toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default ->
          throw new IllegalArgumentException(
              "%s: the value \"%s\" of %s is neither true nor false; write one of these"
                  .formatted(file, value.asText(), option.longestName().substring(2)));
    };
  }

  private static void add(List<String> args, Path file, OptionSpec option, JsonNode value) {
    if (value.isArray()) {
      value.forEach(element -> add(args, file, option, element));
    } else if (!value.isValueNode() || value.isNull()) {
      throw new IllegalArgumentException(
          "%s: the value of %s is not a number, text, true, false or a list of these"
              .formatted(file, option.longestName().substring(2)));
    } else if (option.arity().max() == 0) {
      if (isSet(file, option, value)) {
        args.add(option.longestName());
      }
    } else {
      args.add(option.longestName());
      args.add(value.asText());
    }
  }
}
