package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.diloco.KillingWitness;
import bitnet.diloco.RoundPhase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Real processes: a master, two workers and their executors, one of which is killed.
class StandaloneClusterTest {
  private static final Object[] SMALL_AND_QUICK_TO_START = {
    "--conf=spark.executor.memory=512m",
    "--conf=spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1",
  };

  @TempDir private static Path shared;
  @TempDir private Path directory;
  private static StandaloneCluster cluster;
  private static Path model;
  private static Path sums;

  @BeforeAll
  static void start() throws IOException, InterruptedException {
    cluster = new StandaloneCluster(shared);
    model = CommandRun.tinyModel(shared.resolve("model"));
    sums = shared.resolve("sums.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--ops=+", "--count=60", "--output", sums);
  }

  @AfterAll
  static void stop() throws InterruptedException {
    cluster.stop();
  }

  private static CommandRun onCluster(Object[] command, Object... more) {
    return CommandRun.succeeding(
        CommandRun.with(
            CommandRun.with(
                CommandRun.with(new Object[] {"spark"}, command), "--master=" + cluster.url()),
            CommandRun.with(SMALL_AND_QUICK_TO_START, more)));
  }

  @Test
  void anExecutorThatIsKilledDuringAnEvaluationChangesNothing() throws Exception {
    Path expected = directory.resolve("local.jsonl");
    Path actual = directory.resolve("spark.jsonl");
    CommandRun.succeeding(evaluation(expected));

    Thread killer = cluster.killOneWhen(() -> Files.exists(actual) && Files.size(actual) > 0);
    CommandRun run = onCluster(evaluation(actual), "--records_per_task=1");
    killer.join();

    assertThat(run.err())
        .containsPattern("bitnet: executor \\d on 127.0.0.1, 1 cores; its log: http://")
        .containsPattern("bitnet: executor \\d was lost \\(.*137.*\\); its tasks run again");
    assertThat(actual).hasSameBinaryContentAs(expected);
  }

  /// By the line of the document, in a JVM that has nothing but Spark on its class path.
  @Test
  void sparkSubmitEvaluatesWithOneJar() throws Exception {
    Path expected = directory.resolve("local.jsonl");
    Path actual = directory.resolve("submitted.jsonl");
    CommandRun.succeeding(evaluation(expected));

    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                SubmitJar.classPathOfSpark(),
                "org.apache.spark.deploy.SparkSubmit",
                // the test's workers have no jars of Spark
                "--conf",
                "spark.executor.extraClassPath=" + SubmitJar.classPathOfSpark()));
    Map<String, String> places =
        Map.of(
            "spark://127.0.0.1:7077",
            cluster.url(),
            "bitnet-submit.jar",
            SubmitJar.write(directory.resolve("bitnet-submit.jar")).toString(),
            "models/small",
            model.toString(),
            "sums.jsonl",
            sums.toString());
    Matcher line =
        Pattern.compile("(?m)^spark-submit (.* spark evaluate .*)$")
            .matcher(Files.readString(Path.of("../../docs/spark.md")));
    assertThat(line.find()).isTrue();
    for (String word : line.group(1).split(" ", -1)) {
      command.add(places.getOrDefault(word, word));
    }
    List<String> options = List.of(CommandRun.strings(evaluation(actual)));
    command.addAll(options.subList(options.indexOf("--max_length=40"), options.size()));
    Path log = directory.resolve("log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();

    assertThat(process.waitFor()).as(Files.readString(log)).isZero();
    assertThat(log).content().containsPattern("spark: \\d+ tasks on \\d executor");
    assertThat(actual).hasSameBinaryContentAs(expected);
  }

  private static Object[] evaluation(Path samples) {
    return new Object[] {
      "evaluate",
      "--dataset=" + sums,
      "--ce_model=" + model,
      "--max_length=40",
      "--temperature=1",
      "--samples=2",
      "--batch_size=3",
      "--threads=1",
      "--samples_file=" + samples,
    };
  }

  @Test
  void anExecutorThatIsKilledInAnyPhaseOfARoundChangesNothing() throws Exception {
    Path expected = directory.resolve("sequential");
    Path actual = directory.resolve("spark");
    CommandRun.succeeding(
        CommandRun.with(
            CommandRun.with(new Object[] {"spark"}, training(expected)), "--master=none"));
    KillingWitness.kill(actual, RoundPhase.READ, 0);
    KillingWitness.kill(actual, RoundPhase.TRAINING, 4);
    KillingWitness.kill(actual, RoundPhase.CHANGE_WRITTEN, 8);
    KillingWitness.kill(actual, RoundPhase.STATE_WRITTEN, 12);
    // after the tasks, before the commit
    KillingWitness.whenJoined(plan -> cluster.killOneIf(plan.step() == 16));

    CommandRun run = onCluster(training(actual));
    KillingWitness.whenJoined(plan -> {});

    assertThat(KillingWitness.isDone(actual)).isTrue();
    assertThat(run.out().lines().filter(line -> line.matches("executor \\d was lost .*137.*")))
        .hasSizeBetween(4, 5); // the last one may be noticed after the end
    CommandRun.assertEqualModels(actual.resolve("model"), expected.resolve("model"));
  }

  @Test
  void anExecutorThatIsKilledDuringRolloutsChangesNothing() throws Exception {
    Path expected = directory.resolve("local");
    Path actual = directory.resolve("spark");
    CommandRun.succeeding(rollouts(expected));

    Thread killer =
        cluster.killOneWhen(() -> Files.exists(answers(actual)) && Files.size(answers(actual)) > 0);
    CommandRun run = onCluster(rollouts(actual), "--rollout_tasks=3");
    killer.join();

    assertThat(run.out()).containsPattern("executor \\d was lost \\(.*137.*\\)");
    assertThat(answers(actual)).hasSameBinaryContentAs(answers(expected));
    CommandRun.assertEqualModels(actual.resolve("model"), expected.resolve("model"));
  }

  private static Path answers(Path run) {
    return Path.of(run + ".jsonl");
  }

  private static Object[] rollouts(Path output) {
    return new Object[] {
      "train-grpo",
      "--dataset=" + sums,
      "--model_path=" + model,
      "--reward_model=random",
      "--steps=4",
      "--batch_size=3",
      "--group_size=4",
      "--max_length=24",
      "--threads=1",
      "--dtype=fp32",
      "--completions_log=" + answers(output),
      "--output_dir=" + output,
    };
  }

  @Test
  void anExecutorThatIsKilledDuringTokenizationChangesNothing() throws Exception {
    Path expected = directory.resolve("local");
    Path actual = directory.resolve("spark");
    CommandRun.succeeding(
        CommandRun.with(
            CommandRun.with(new Object[] {"spark"}, tokenization(expected)), "--master=local[2]"));

    Path parts = directory.resolve("spark.part/parts");
    Thread killer = cluster.killOneWhen(() -> Files.exists(parts));
    CommandRun run = onCluster(tokenization(actual), "--partitions=5");
    killer.join();

    assertThat(run.err()).containsPattern("executor \\d was lost \\(.*137.*\\)");
    CommandRun.assertEqualModels(actual, expected);
  }

  private static Object[] tokenization(Path output) {
    return new Object[] {
      "tokenize",
      "--corpus=" + sums,
      "--text_field=query",
      "--near_duplicates=0.9",
      "--tokenizer=" + model,
      "--shard_tokens=50",
      "--output=" + output,
    };
  }

  private static Object[] training(Path output) {
    return new Object[] {
      "train-ce",
      "--dataset=" + sums,
      "--model_path=" + model,
      "--iters=20",
      "--inner_steps=4",
      "--delta_dtype=int8",
      "--batch_size=2",
      "--seq_len=16",
      "--eval_interval=0",
      "--threads=1",
      "--dtype=fp32",
      "--output_dir=" + output,
    };
  }
}
