package bitnet;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// A full disk, a read-only one, a limit on the size of files: one line says the file, the reason
/// and the remedy, and what was there before stays whole.
///
/// Disks are mounted in a namespace of the command's own; the tests that need one are skipped
/// where the system does not allow that.
class UnwritablePlacesTest {
  private static final String NO_SPACE = "No space left on device; free some space, or write to";
  private static final String NO_ROOM = "MB left; free some or use another disk";

  /// Arguments: the place, its content before, where its content afterwards goes, the KiB that
  /// are free, the command.
  private static final String ON_A_FULL_DISK =
      """
      place=$1 before=$2 after=$3 free=$4; shift 4
      mount -t tmpfs -o size=16m tmpfs "$place" && cp -a "$before/." "$place/" || exit 99
      head -c 17m /dev/zero >"$place/filler" 2>/dev/null
      truncate -s "-${free}K" "$place/filler"
      "$@"
      code=$?
      rm "$place/filler"
      cp -a "$place/." "$after/"
      exit $code
      """;

  private static final String ON_A_READ_ONLY_DISK =
      """
      place=$1 before=$2 after=$3; shift 4
      cp -a "$before/." "$place/"
      mount --bind "$place" "$place" && mount -o remount,bind,ro "$place" || exit 99
      "$@"
      code=$?
      cp -a "$place/." "$after/"
      exit $code
      """;

  @TempDir private static Path directory;
  private static Path text;
  private static Path questions;
  private static Path model;
  private static Path before;

  /// Makes the content of the disk: a model in each form, and runs that were stopped half-way.
  @BeforeAll
  static void makeEarlierFiles() throws IOException {
    text = CommandRun.someText(directory.resolve("text.txt"));
    questions = directory.resolve("questions.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--count=40", "--output", questions);
    model = CommandRun.tinyModel(directory.resolve("blank"));
    before = Files.createDirectory(directory.resolve("before"));
    CommandRun.tinyModel(before.resolve("model"));
    for (String format : List.of("hf-online", "gguf-f16")) {
      CommandRun.succeeding(
          "convert", "--from", model, "--to", before.resolve(format), "--format", format);
    }
    CommandRun.succeeding(training(before));
    CommandRun.succeeding(grpo(before));
    for (String run : List.of("ce", "grpo")) { // as if they had been killed after step 2
      delete(before.resolve(run).resolve("checkpoints/step-00000004"));
      delete(before.resolve(run).resolve("model"));
    }
    CommandRun.succeeding(evaluation(before));
    List<String> samples = Files.readAllLines(before.resolve("samples.jsonl"));
    Files.write(before.resolve("samples.jsonl"), samples.subList(0, 4));
  }

  private static void delete(Path path) throws IOException {
    try (Stream<Path> files = Files.list(path)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(path);
  }

  private static Object[] creation(Path place) {
    return new Object[] {
      "create-model",
      "--hidden_size=64",
      "--intermediate_size=192",
      "--layers=3",
      "--heads=1",
      "--tokenizer=bytes",
      "--force",
      "--output_dir=" + place.resolve("model"),
    };
  }

  private static Object[] conversion(Path place, String format) {
    return new Object[] {
      "convert", "--from", model, "--to", place.resolve(format), "--format", format, "--force",
    };
  }

  private static Object[] training(Path place) {
    return new Object[] {
      "train-ce",
      "--dataset=" + text,
      "--text_format=document",
      "--model_path=" + model,
      "--output_dir=" + place.resolve("ce"),
      "--csv_log=" + place.resolve("ce.csv"),
      "--resume=auto",
      "--iters=4",
      "--batch_size=2",
      "--seq_len=32",
      "--save_interval=2",
      "--eval_tokens=512",
      "--threads=1",
    };
  }

  private static Object[] grpo(Path place) {
    return new Object[] {
      "train-grpo",
      "--dataset=" + questions,
      "--model_path=" + model,
      "--output_dir=" + place.resolve("grpo"),
      "--completions_log=" + place.resolve("answers.jsonl"),
      "--resume=auto",
      "--steps=4",
      "--batch_size=2",
      "--group_size=4",
      "--max_length=6",
      "--save_interval=2",
      "--threads=1",
    };
  }

  private static Object[] evaluation(Path place) {
    return new Object[] {
      "evaluate",
      "--dataset=" + questions,
      "--ce_model=" + model,
      "--max_length=6",
      "--batch_size=2",
      "--samples_file=" + place.resolve("samples.jsonl"),
      "--csv_log=" + place.resolve("figures.csv"),
      "--resume",
    };
  }

  private static Arguments full(
      String name, int freeKib, Function<Path, Object[]> command, String... said) {
    return argumentSet(name + ", " + freeKib + " KiB free", freeKib, command, List.of(said));
  }

  /// How much is free decides how far a command comes.
  static Stream<Arguments> fullDisks() {
    return Stream.of(
        full("create-model", 0, UnwritablePlacesTest::creation, "model: cannot be", NO_SPACE),
        full("create-model", 64, UnwritablePlacesTest::creation, "model: needs", NO_ROOM),
        full("convert", 64, place -> conversion(place, "hf-online"), "hf-online: needs", NO_ROOM),
        full(
            "convert", 64, place -> conversion(place, "gguf-f16"), "gguf-f16: cannot be", NO_SPACE),
        full("train-ce", 0, UnwritablePlacesTest::training, "ce: cannot be written: ", NO_SPACE),
        full("train-ce", 64, UnwritablePlacesTest::training, "ce: cannot be written: ", NO_SPACE),
        full("train-ce", 400, UnwritablePlacesTest::training, "step-00000004: needs", NO_ROOM),
        full("train-grpo", 64, UnwritablePlacesTest::grpo, "step-00000004: needs", NO_ROOM),
        full("evaluate", 0, UnwritablePlacesTest::evaluation, "samples.jsonl: cannot", NO_SPACE));
  }

  @ParameterizedTest
  @MethodSource("fullDisks")
  void aFullDiskIsNamedAndEarlierFilesAreWhole(
      int freeKib, Function<Path, Object[]> command, List<String> said) throws Exception {
    Path place = Files.createTempDirectory(directory, "place");
    Path after = Files.createTempDirectory(directory, "after");

    ScriptRun run = mounted(ON_A_FULL_DISK, place, after, freeKib, command.apply(place));

    assertRefused(run, said);
    assertThat(run.err()).contains(place.toString());
    assertEarlierFilesAreWhole(after);
  }

  static Stream<Arguments> writers() {
    return Stream.of(
        argumentSet("create-model", (Function<Path, Object[]>) UnwritablePlacesTest::creation),
        argumentSet(
            "convert", (Function<Path, Object[]>) place -> conversion(place, "hf-autobitlinear")),
        argumentSet(
            "convert to GGUF", (Function<Path, Object[]>) place -> conversion(place, "gguf-f16")),
        argumentSet("train-ce", (Function<Path, Object[]>) UnwritablePlacesTest::training),
        argumentSet("train-grpo", (Function<Path, Object[]>) UnwritablePlacesTest::grpo),
        argumentSet("evaluate", (Function<Path, Object[]>) UnwritablePlacesTest::evaluation));
  }

  @ParameterizedTest
  @MethodSource("writers")
  void aReadOnlyDiskIsNamedAndEarlierFilesAreWhole(Function<Path, Object[]> command)
      throws Exception {
    Path place = Files.createTempDirectory(directory, "place");
    Path after = Files.createTempDirectory(directory, "after");

    ScriptRun run = mounted(ON_A_READ_ONLY_DISK, place, after, 0, command.apply(place));

    assertRefused(
        run,
        List.of(
            place + "/",
            ": cannot be written: Read-only file system; make it writable, or name another place"));
    assertEarlierFilesAreWhole(after);
  }

  @ParameterizedTest
  @MethodSource("writers")
  void aPlaceBelowAFileIsNamed(Function<Path, Object[]> command) throws IOException {
    Path file = Files.writeString(directory.resolve("a-file"), "content");

    CommandRun run = CommandRun.of(command.apply(file));

    assertThat(run.exitCode()).as(run.err()).isEqualTo(1);
    assertThat(run.err().lines())
        .singleElement()
        .asString()
        .startsWith("bitnet: " + file)
        .contains(": cannot be written: ")
        .endsWith("; name another place");
    assertThat(file).hasContent("content");
  }

  @Test
  void aLimitOnTheSizeOfFilesIsNamedAndEarlierFilesAreWhole() throws Exception {
    Path place = Files.createTempDirectory(directory, "place");
    List<String> command =
        new ArrayList<>(List.of("bash", "-c", "cp -a $0/. . && ulimit -f 32 && exec \"$@\""));
    command.add(before.toString());
    command.addAll(CommandRun.commandLine(creation(place)));

    ScriptRun run = ScriptRun.in(place, Map.of(), command.toArray(String[]::new));

    assertRefused(
        run,
        List.of(
            "model.safetensors: cannot be written: File too large; raise the limit on the size of"
                + " files, or write to another disk"));
    assertEarlierFilesAreWhole(place);
  }

  private static ScriptRun mounted(
      String script, Path place, Path after, int freeKib, Object... args) throws Exception {
    Path logs = Files.createTempDirectory(directory, "logs");
    List<String> command =
        new ArrayList<>(List.of("unshare", "--map-root-user", "--mount", "bash", "-c"));
    ScriptRun possible;
    try {
      List<String> trial = new ArrayList<>(command);
      trial.add("mount -t tmpfs tmpfs " + place);
      possible = ScriptRun.in(logs, Map.of(), trial.toArray(String[]::new));
    } catch (IOException none) {
      possible = new ScriptRun(127, "", none.getMessage());
    }
    assumeTrue(
        possible.exitCode() == 0,
        "no file system can be mounted (%s); run where unshare --map-root-user is allowed"
            .formatted(possible.err().strip().lines().findFirst().orElse("")));
    command.addAll(List.of(script, "bash", place.toString(), before.toString(), after.toString()));
    command.add(Integer.toString(freeKib));
    command.addAll(CommandRun.commandLine(args));
    return ScriptRun.in(logs, Map.of(), command.toArray(String[]::new));
  }

  private static void assertRefused(ScriptRun run, List<String> said) {
    assertThat(run.exitCode()).as(run.err()).isEqualTo(1);
    assertThat(run.err().lines()).singleElement().asString().startsWith("bitnet: ").contains(said);
  }

  /// Logs may have grown; everything else is as it was, and nothing unfinished is beside it.
  private static void assertEarlierFilesAreWhole(Path after) throws IOException {
    Map<String, String> expected = files(before);
    Map<String, String> found = files(after);
    found.remove("out");
    found.remove("err");
    assertThat(found).containsOnlyKeys(expected.keySet());
    expected.forEach(
        (name, content) -> {
          if (name.matches("ce\\.csv|(ce|grpo)/metrics\\.csv|answers\\.jsonl|samples\\.jsonl")) {
            assertThat(found.get(name)).as(name).startsWith(firstLines(content));
          } else {
            assertThat(found.get(name)).as(name).isEqualTo(content);
          }
        });
  }

  /// The lines of the first two steps or records, which a resumed run keeps.
  private static String firstLines(String content) {
    return String.join("\n", content.lines().limit(3).toList());
  }

  private static Map<String, String> files(Path root) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> found = Files.walk(root)) {
      for (Path file : found.filter(Files::isRegularFile).toList()) {
        files.put(
            root.relativize(file).toString(), new String(Files.readAllBytes(file), ISO_8859_1));
      }
    }
    return files;
  }
}
