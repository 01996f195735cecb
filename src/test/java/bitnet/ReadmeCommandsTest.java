package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What the README and docs/ say is what the program does.
class ReadmeCommandsTest {
  private static final Path README = ScriptRun.ROOT.resolve("README.md");
  private static final Path COMMANDS = ScriptRun.ROOT.resolve("docs/commands.md");

  /// Numbers that are made smaller, and nothing else: training for long belongs to nobody's test.
  private static final Map<String, String> SHORTENED = Map.of("--iters", "2", "--steps", "1");

  private static final Pattern OPTION = Pattern.compile("(?<![\\w-])--([A-Za-z][\\w-]*)");

  /// What troubleshooting shows to be refused.
  private static final String MISTYPED = "batch_sise";

  /// Of the JVM, in docs/library.md.
  private static final Set<String> JVM_OPTIONS =
      Set.of("enable_native_access", "sun_misc_unsafe_memory_access", "add_exports", "add_modules");

  /// Of Spark's processes, in docs/spark.md.
  private static final Set<String> OPTIONS_OF_SPARK =
      Set.of(
          "host",
          "port",
          "webui_port",
          "cores",
          "memory",
          "work_dir",
          "class",
          "jars",
          "add_opens",
          "deploy_mode",
          "driver_java_options",
          "properties_file");

  /// Of curl and of lm-evaluation-harness, in docs/commands.md and docs/server.md.
  private static final Set<String> OPTIONS_OF_CLIENTS =
      Set.of("retry", "retry_delay", "retry_all_errors", "model", "model_args", "tasks");

  @TempDir private Path directory;

  /// A command of a code block.
  ///
  /// @param text as it is printed, without the prompt
  /// @param output the lines printed below it
  private record Shown(String text, List<String> output) {

    /// A command that is shown to find something wrong ends with 1.
    int exitCode() {
      return output.stream().anyMatch(line -> line.startsWith("wrong ")) ? 1 : 0;
    }

    String shortened() {
      String shorter = text;
      for (Map.Entry<String, String> entry : SHORTENED.entrySet()) {
        shorter =
            shorter.replaceAll(entry.getKey() + " \\d+", entry.getKey() + " " + entry.getValue());
      }
      return shorter;
    }

    /// The first word that it is shown to print; empty where the beginning is left out.
    String firstWord() {
      return output.isEmpty() || output.getFirst().equals("...")
          ? ""
          : output.getFirst().strip().split("[ \\d]", 2)[0];
    }
  }

  /// Every command of a document's code blocks, in their order.
  private static List<Shown> shown(Path document) throws IOException {
    List<Shown> commands = new ArrayList<>();
    boolean inBlock = false;
    boolean continued = false;
    for (String line : Files.readAllLines(document)) {
      if (line.startsWith("```")) {
        inBlock = !inBlock;
      } else if (inBlock && line.startsWith("$ ")) {
        commands.add(new Shown(line.substring(2), new ArrayList<>()));
        continued = line.endsWith("\\");
      } else if (inBlock && continued) {
        Shown last = commands.removeLast();
        commands.add(new Shown(last.text() + "\n" + line, last.output()));
        continued = line.endsWith("\\");
      } else if (inBlock && !commands.isEmpty()) {
        commands.getLast().output().add(line);
      }
    }
    return commands;
  }

  /// One after the other in a new directory with a copy of data/, as somebody would who reads on.
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void everyShownCommandDoesWhatItIsShownToDo() throws Exception {
    ScriptRun.assumeBuilt();
    Path data = Files.createDirectory(directory.resolve("data"));
    try (Stream<Path> files = Files.list(ScriptRun.ROOT.resolve("data"))) {
      for (Path file : files.toList()) {
        Files.copy(file, data.resolve(file.getFileName().toString()));
      }
    }
    List<Shown> commands = shown(COMMANDS);
    assertThat(commands).hasSizeGreaterThan(20);
    Path published = CommandRun.tinyModel(directory.resolve("published"));
    try (ModelHub hub = new ModelHub(published, 0)) {
      for (Shown command : commands) {
        ScriptRun run =
            shell("exec 2>&1; " + command.shortened(), hub.environment(directory.resolve("hub")));
        assertThat(run.exitCode())
            .as("%s\n%s", command.shortened(), run.out())
            .isEqualTo(command.exitCode());
        assertThat(run.out()).as(command.shortened()).contains(command.firstWord());
      }
    }
  }

  private ScriptRun shell(String command, Map<String, String> more) throws Exception {
    Map<String, String> environment = new HashMap<>(more);
    environment.put("BITNET_JAVA_OPTS", ScriptRun.SHORT_LIVED);
    environment.put("PATH", ScriptRun.ROOT.resolve("scripts") + ":" + System.getenv("PATH"));
    return ScriptRun.in(directory, environment, "bash", "-c", "exec </dev/null; " + command);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void everyRefusalOfTroubleshootingIsPrintedByItsCommand() throws Exception {
    ScriptRun.assumeBuilt();
    makeWhatIsRefused();
    List<Shown> commands = shown(ScriptRun.ROOT.resolve("docs/troubleshooting.md"));
    assertThat(commands).hasSizeGreaterThan(20);
    for (Shown command : commands) {
      ScriptRun run = shell(command.text(), Map.of());
      assertThat(run.exitCode()).as(command.text()).isBetween(1, 2);
      assertThat(withoutNumbers(run.err().lines().findFirst().orElse("")))
          .as(command.text())
          .isEqualTo(withoutNumbers(command.output().getFirst()));
    }
  }

  /// Without what depends on the machine: numbers, and the instruction sets of its processor.
  private static String withoutNumbers(String text) {
    return text.replaceAll(", (amx|avx512vnni|avx2|neon)", "").replaceAll("[\\d,]*\\d", "#");
  }

  private void makeWhatIsRefused() throws IOException {
    Path models = directory.resolve("models");
    CommandRun.succeeding(
        "create-model",
        "--hidden_size=64",
        "--intermediate_size=192",
        "--layers=2",
        "--heads=1",
        "--tokenizer=bytes",
        "--context=128",
        "--output_dir",
        models.resolve("small"));
    Path cut = CommandRun.tinyModel(models.resolve("cut"));
    Files.write(cut.resolve("model.safetensors"), new byte[5000]);
    Path sums = directory.resolve("sums.jsonl");
    CommandRun.succeeding("make-data", "arithmetic", "--count=40", "--output", sums);
    CommandRun.succeeding(
        "train-ce",
        "--model_path=" + models.resolve("small"),
        "--dataset=" + sums,
        "--iters=2",
        "--seq_len=32",
        "--batch_size=2",
        "--output_dir=" + directory.resolve("runs/ce"));
    Files.writeString(directory.resolve("bad.jsonl"), "{\"text\": \"a\"}\n{\"txet\": \"b\"}\n");
    Files.writeString(directory.resolve("short.txt"), "To be");
    Files.writeString(directory.resolve("run.yaml"), "batch_sise: 8\n");
  }

  @Test
  void everySubcommandIsShown() throws IOException {
    List<Shown> commands = shown(COMMANDS);
    assertThat(subcommands().filter(name -> !name.matches("help|generate-completion")))
        .allSatisfy(
            name ->
                assertThat(commands)
                    .extracting(Shown::text)
                    .anyMatch(text -> text.startsWith("bitnet " + name)));
  }

  private static Stream<String> subcommands() {
    return Pattern.compile("(?m)^  ([a-z]+(-[a-z]+)*)  ")
        .matcher(CommandRun.succeeding("--help").out())
        .results()
        .map((MatchResult found) -> found.group(1));
  }

  /// The names of all options of all commands, from their help.
  private static Set<String> options() {
    Set<String> options = new HashSet<>();
    for (String name : subcommands().toList()) {
      List<String[]> commands = new ArrayList<>();
      commands.add(new String[] {name, "--help"});
      switch (name) {
        case "bench" ->
            Stream.of("train", "infer", "grpo", "serve")
                .forEach(kind -> commands.add(new String[] {name, kind, "--help"}));
        case "make-data" ->
            Stream.of("arithmetic", "corrections", "mistakes")
                .forEach(kind -> commands.add(new String[] {name, kind, "--help"}));
        case "spark" ->
            Stream.of(
                    "evaluate", "rollouts", "tokenize", "train-ce", "train-grpo", "train-tokenizer")
                .forEach(kind -> commands.add(new String[] {name, kind, "--help"}));
        default -> {}
      }
      for (String[] command : commands) {
        options.addAll(mentioned(CommandRun.succeeding((Object[]) command).out()));
      }
    }
    return options;
  }

  /// Spelled as `--output_dir` or `--output-dir`.
  private static Set<String> mentioned(String text) {
    Set<String> names = new HashSet<>();
    OPTION.matcher(text).results().forEach(found -> names.add(found.group(1).replace('-', '_')));
    return names;
  }

  static Stream<Path> documents() throws IOException {
    try (Stream<Path> docs = Files.list(ScriptRun.ROOT.resolve("docs"))) {
      return Stream.concat(Stream.of(README), docs.sorted().toList().stream())
          .filter(file -> file.toString().endsWith(".md"));
    }
  }

  @ParameterizedTest
  @MethodSource("documents")
  void everyOptionThatIsMentionedExists(Path document) throws IOException {
    Set<String> mentioned = mentioned(Files.readString(document));
    mentioned.remove(MISTYPED);
    mentioned.removeAll(JVM_OPTIONS);
    mentioned.removeAll(OPTIONS_OF_CLIENTS);
    mentioned.removeAll(OPTIONS_OF_SPARK);

    assertThat(options()).containsAll(mentioned);
  }

  @Test
  void theSnippetOfTheReadmeIsPartOfAnExample() throws IOException {
    Matcher snippet =
        Pattern.compile("(?s)```java\\n(.*?)\\n```").matcher(Files.readString(README));
    assertThat(snippet.find()).isTrue();
    String example =
        Files.readString(ScriptRun.ROOT.resolve("src/examples/inference/java/example/Infer.java"));

    assertThat(example.lines().map(String::strip).toList())
        .containsSequence(snippet.group(1).lines().map(String::strip).toList());
  }
}
