package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Commands that are killed at random moments of their lives, started again each time, and
/// compared with one that was left alone. A few kills each; 50 with the Maven profile `soak`.
class KilledRunsTest {
  private static final int KILLS = Integer.getInteger("bitnet.kills", 2);
  private static final int SEED = 11;
  private static final int SIGKILLED = 128 + 9;
  private static final Duration LONG = Duration.ofMinutes(3);

  @TempDir private static Path directory;
  private static Path text;
  private static Path questions;
  private static Path model;

  @BeforeAll
  static void makeInputs() throws IOException {
    text = CommandRun.someText(directory.resolve("text.txt"));
    model = CommandRun.tinyModel(directory.resolve("blank"));
    questions = directory.resolve("questions.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--count=40", "--seed=1", "--output", questions);
  }

  /// What is killed.
  private interface Subject {

    /// The same command at each start.
    ///
    /// @param place a directory of its own
    Object[] command(Path place) throws IOException;

    /// What must hold after each kill.
    void killed(Path place) throws IOException;

    /// What must hold at the end.
    ///
    /// @param whole the place of the command that was left alone
    void ended(Path place, Path whole) throws IOException;
  }

  /// Kills at moments that are spread evenly over the life of a command that is left alone.
  private static void kill(String name, Subject subject) throws Exception {
    Path whole = Files.createDirectories(directory.resolve(name + "/whole"));
    long start = System.nanoTime();
    assertThat(run(subject, whole, LONG)).isTrue();
    long life = System.nanoTime() - start;
    subject.ended(whole, whole);
    Random random = new Random(SEED);
    int kills = 0;
    while (kills < KILLS) {
      Path place = Files.createTempDirectory(directory.resolve(name), "killed");
      boolean ended = false;
      while (!ended) {
        Duration moment =
            kills < KILLS ? Duration.ofNanos((long) (random.nextDouble() * life)) : LONG;
        ended = run(subject, place, moment);
        if (!ended) {
          kills++;
          subject.killed(place);
        }
      }
      subject.ended(place, whole);
    }
  }

  /// Whether it ended by itself before the moment at which it is killed.
  private static boolean run(Subject subject, Path place, Duration moment) throws Exception {
    Path output = place.resolveSibling(place.getFileName() + ".out");
    Process process = CommandRun.start(output, subject.command(place));
    try {
      if (!process.waitFor(moment.toNanos(), TimeUnit.NANOSECONDS)) {
        process.destroyForcibly().waitFor();
      }
      assertThat(process.exitValue()).as(Files.readString(output, UTF_8)).isIn(0, SIGKILLED);
      return process.exitValue() == 0;
    } finally {
      process.destroyForcibly();
    }
  }

  /// The content of every file below a directory, by its path in it.
  private static Map<String, byte[]> files(Path root) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> found = Files.walk(root)) {
      for (Path file : found.filter(Files::isRegularFile).toList()) {
        files.put(root.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }

  private static void assertSameFiles(Path place, Path whole, String... exceptions)
      throws IOException {
    Map<String, byte[]> files = files(place);
    Map<String, byte[]> expected = files(whole);
    assertThat(files).containsOnlyKeys(expected.keySet());
    expected.keySet().removeAll(List.of(exceptions));
    expected.forEach((name, content) -> assertThat(files.get(name)).as(name).isEqualTo(content));
  }

  /// A run directory and its logs, which may lose steps after a checkpoint and nothing else.
  private abstract static class Training implements Subject {
    private static final String METRICS = "metrics.csv"; // tells times as well

    private long checkpoint;

    /// Every column that does not tell times.
    abstract List<String> columns(MetricsFile log);

    @Override
    public void killed(Path place) throws IOException {
      long newest = newestCheckpoint(place);
      assertThat(newest).isGreaterThanOrEqualTo(checkpoint);
      checkpoint = newest;
    }

    private static long newestCheckpoint(Path place) throws IOException {
      Path checkpoints = place.resolve("run/checkpoints");
      if (!Files.exists(checkpoints)) {
        return 0;
      }
      try (Stream<Path> found = Files.list(checkpoints)) {
        return found
            .filter(path -> Files.exists(path.resolve("manifest.json")))
            .map(path -> path.getFileName().toString())
            .filter(name -> name.matches("step-\\d+"))
            .mapToLong(name -> Long.parseLong(name.substring("step-".length())))
            .max()
            .orElse(0);
      }
    }

    @Override
    public void ended(Path place, Path whole) throws IOException {
      checkpoint = 0;
      assertSameFiles(place.resolve("run"), whole.resolve("run"), METRICS);
      for (String file : List.of("log.csv", "run/" + METRICS)) {
        MetricsFile log = MetricsFile.read(place.resolve(file));
        MetricsFile expected = MetricsFile.read(whole.resolve(file));
        for (String name : columns(expected)) {
          assertThat(log.column(name)).as("%s %s", file, name).isEqualTo(expected.column(name));
        }
      }
    }
  }

  @Test
  void trainingThatIsKilledEndsWithTheSameFiles() throws Exception {
    kill(
        "train-ce",
        new Training() {
          @Override
          public Object[] command(Path place) {
            return new Object[] {
              "train-ce",
              "--dataset=" + text,
              "--text_format=document",
              "--model_path=" + model,
              "--output_dir=" + place.resolve("run"),
              "--csv_log=" + place.resolve("log.csv"),
              "--resume=auto",
              "--iters=60",
              "--batch_size=2",
              "--seq_len=32",
              "--save_interval=3",
              "--eval_interval=5",
              "--eval_tokens=512",
              "--threads=1",
            };
          }

          @Override
          List<String> columns(MetricsFile log) {
            return List.of("step", "loss", "smoothed_loss", "eval_loss", "lr", "grad_norm");
          }
        });
  }

  @Test
  void grpoThatIsKilledEndsWithTheSameFiles() throws Exception {
    Path small = directory.resolve("small");
    CommandRun.succeeding(
        "create-model",
        "--hidden_size=64",
        "--intermediate_size=96",
        "--layers=1",
        "--heads=1",
        "--tokenizer=bytes",
        "--context=128",
        "--output_dir",
        small);
    kill(
        "train-grpo",
        new Training() {
          @Override
          public Object[] command(Path place) {
            return new Object[] {
              "train-grpo",
              "--dataset=" + questions,
              "--eval_dataset=" + questions,
              "--model_path=" + small,
              "--output_dir=" + place.resolve("run"),
              "--csv_log=" + place.resolve("log.csv"),
              "--completions_log=" + place.resolve("answers.jsonl"),
              "--resume=auto",
              "--steps=12",
              "--batch_size=2",
              "--group_size=3",
              "--max_length=6",
              "--reward_model=length(2,6)",
              "--two_layer",
              "--guiding_prompt=?",
              "--save_interval=2",
              "--eval_interval=6",
              "--threads=1",
            };
          }

          @Override
          List<String> columns(MetricsFile log) {
            return log.columns().stream()
                .filter(name -> !name.endsWith("_s") && !name.equals("step_time"))
                .toList();
          }

          @Override
          public void ended(Path place, Path whole) throws IOException {
            super.ended(place, whole);
            assertThat(place.resolve("answers.jsonl"))
                .hasSameBinaryContentAs(whole.resolve("answers.jsonl"));
          }
        });
  }

  /// A model that replaces another: at any moment one of the two is there, whole.
  private abstract static class Replacement implements Subject {
    private final Map<String, byte[]> before;
    private final Map<String, byte[]> after;

    /// @param scratch where both are made
    Replacement(Path scratch) throws IOException {
      before = written(scratch.resolve("before/model"), 2);
      after = written(scratch.resolve("after/model"), 1);
      assertThat(after.keySet()).isEqualTo(before.keySet());
    }

    /// The command that writes the model of a seed.
    abstract Object[] writing(Path target, int seed);

    private Map<String, byte[]> written(Path target, int seed) throws IOException {
      Files.createDirectories(target.getParent());
      CommandRun.succeeding(writing(target, seed));
      return files(target);
    }

    @Override
    public Object[] command(Path place) throws IOException {
      Path target = place.resolve("model");
      if (!Files.exists(target)) {
        for (Map.Entry<String, byte[]> entry : before.entrySet()) {
          Path file = entry.getKey().isEmpty() ? target : target.resolve(entry.getKey());
          Files.createDirectories(file.getParent());
          Files.write(file, entry.getValue());
        }
      }
      return CommandRun.with(writing(target, 1), "--force");
    }

    @Override
    public void killed(Path place) throws IOException {
      Map<String, byte[]> found = files(place.resolve("model"));
      assertThat(isSame(found, before) || isSame(found, after)).isTrue();
    }

    @Override
    public void ended(Path place, Path whole) throws IOException {
      assertThat(isSame(files(place.resolve("model")), after)).isTrue();
      try (Stream<Path> rest = Files.list(place)) {
        assertThat(rest).containsExactly(place.resolve("model"));
      }
    }

    private static boolean isSame(Map<String, byte[]> some, Map<String, byte[]> others) {
      return some.keySet().equals(others.keySet())
          && some.keySet().stream()
              .allMatch(name -> Arrays.equals(some.get(name), others.get(name)));
    }
  }

  private static Object[] creating(Path target, int seed) {
    return new Object[] {
      "create-model",
      "--hidden_size=256",
      "--intermediate_size=512",
      "--layers=6",
      "--heads=4",
      "--tokenizer=bytes",
      "--seed=" + seed,
      "--output_dir=" + target,
    };
  }

  @Test
  void creationThatIsKilledLeavesTheOldModelOrTheNewOne() throws Exception {
    kill(
        "create-model",
        new Replacement(directory.resolve("created")) {
          @Override
          Object[] writing(Path target, int seed) {
            return creating(target, seed);
          }
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"hf-online", "gguf-f16"})
  void conversionThatIsKilledLeavesTheOldModelOrTheNewOne(String format) throws Exception {
    for (int seed = 1; seed <= 2; seed++) {
      CommandRun.succeeding(creating(directory.resolve(format + "-" + seed), seed));
    }
    kill(
        "convert-" + format,
        new Replacement(directory.resolve("converted-" + format)) {
          @Override
          Object[] writing(Path target, int seed) {
            Path source = directory.resolve(format + "-" + seed);
            return new Object[] {"convert", "--from", source, "--to", target, "--format", format};
          }
        });
  }

  @Test
  void evaluationThatIsKilledEndsWithTheSameSamplesAndFigures() throws Exception {
    kill(
        "evaluate",
        new Subject() {
          private long judged;

          @Override
          public Object[] command(Path place) {
            return new Object[] {
              "evaluate",
              "--task=reasoning",
              "--dataset=" + questions,
              "--ce_model=" + model,
              "--model=again=" + model,
              "--max_length=40",
              "--temperature=1",
              "--samples=2",
              "--samples_file=" + place.resolve("samples.jsonl"),
              "--csv_log=" + place.resolve("figures.csv"),
              "--resume",
              "--batch_size=2",
              "--threads=1",
            };
          }

          @Override
          public void killed(Path place) throws IOException {
            Path samples = place.resolve("samples.jsonl");
            long lines = Files.exists(samples) ? Files.readAllLines(samples).size() : 0;
            assertThat(lines).isGreaterThanOrEqualTo(judged);
            judged = lines;
          }

          @Override
          public void ended(Path place, Path whole) throws IOException {
            judged = 0;
            assertSameFiles(place, whole);
          }
        });
  }
}
