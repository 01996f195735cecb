package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// The scripts for training and evaluation, each run small.
@DisabledOnOs(OS.WINDOWS)
class ScriptsTest {
  /// A question, a first answer, the question again, and the right answer with its steps.
  private static final String CORRECTION =
      "\\{\"query\":\"([0-9+=]+)<think>.*</think> again"
          + " \\1\",\"answer\":\"\\d+\",\"reasoning\":\"[^\"]+\"}";

  private static final Path SCRIPTS = ScriptRun.ROOT.resolve("scripts");

  @TempDir private static Path shared;
  private static Path model;
  private static Path questions;
  @TempDir private Path directory;

  @BeforeAll
  static void makeInputs() {
    ScriptRun.assumeBuilt();
    model = shared.resolve("model");
    CommandRun.succeeding(
        "create-model",
        "--hidden_size=64",
        "--intermediate_size=96",
        "--layers=1",
        "--heads=1",
        "--tokenizer=bytes",
        "--context=256",
        "--output_dir",
        model);
    questions = shared.resolve("questions.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--count=12", "--output", questions);
  }

  private ScriptRun run(String script, Map<String, String> variables, String... args)
      throws Exception {
    Map<String, String> all = new HashMap<>(variables);
    all.put("RUN", directory.resolve("run").toString());
    all.put("BITNET_JAVA_OPTS", ScriptRun.SHORT_LIVED);
    String[] command =
        Stream.concat(Stream.of(SCRIPTS.resolve(script).toString()), Stream.of(args))
            .toArray(String[]::new);
    return ScriptRun.in(directory, all, command);
  }

  private ScriptRun succeeding(String script, Map<String, String> variables, String... args)
      throws Exception {
    ScriptRun run = run(script, variables, args);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    return run;
  }

  private List<String> column(String name) throws IOException {
    return MetricsFile.read(directory.resolve("run/metrics.csv")).column(name);
  }

  @Test
  void ceTrainingMakesAModelAndTrainsItAndGoesOnWhereItStands() throws Exception {
    Path text = CommandRun.someText(directory.resolve("text.txt"));
    Map<String, String> variables =
        Map.of(
            "DATASET", text.toString(),
            "PARAMS", "1M",
            "TOKENIZER", "bytes",
            "STEPS", "3",
            "BATCH_SIZE", "2",
            "SEQ_LEN", "32",
            "LR", "2e-3");

    succeeding("ce_training.sh", variables, "--text_format=document");
    ScriptRun again = succeeding("ce_training.sh", variables, "--text_format=document");

    assertThat(column("step")).containsExactly("0", "1", "2", "3");
    assertThat(again.out()).containsPattern("resumed: \\S+step-00000003");
    CommandRun.succeeding("verify", "--model_path", directory.resolve("run"));
  }

  private static Map<String, String> grpo(String... more) {
    Map<String, String> variables = new HashMap<>();
    variables.put("MODEL", model.toString());
    variables.put("DATASET", questions.toString());
    variables.put("EVAL_DATASET", questions.toString());
    variables.put("STEPS", "1");
    variables.put("BATCH_SIZE", "2");
    variables.put("MAX_LENGTH", "4");
    for (int i = 0; i < more.length; i += 2) {
      variables.put(more[i], more[i + 1]);
    }
    return variables;
  }

  @Test
  void grpoTrainingLearnsFromQuestions() throws Exception {
    succeeding("grpo_training.sh", grpo("GROUP_SIZE", "3"), "--threads=1");

    assertThat(column("eval_accuracy")).doesNotContain("");
    assertThat(column("reward/final_answer")).hasSize(2);
    assertThat(Files.readAllLines(directory.resolve("run/completions.jsonl"))).hasSize(2 * 3);
  }

  @Test
  void theDemoGoesThroughAllItsStepsForEachSeed() throws Exception {
    Path demo = directory.resolve("demo");
    Map<String, String> small =
        Map.of(
            "SOLVED", "20",
            "CE_ITERS", "2",
            "STAGE_ITERS", "2",
            "CE_STAGES", "1",
            "GRPO_STEPS", "3",
            "RANDOM_STEPS", "1",
            "CORRECTION_ITERS", "5",
            "TWO_LAYER_STEPS", "2",
            "EVAL_COUNT", "20");

    ScriptRun run = succeeding("grpo-demo.sh", small, demo.toString(), "4", "5");

    assertThat(run.out())
        .contains(
            "seed 4: stage 1: ",
            "seed 4: processor time: GRPO ",
            "seed 4: grpo against start",
            "seed 5: == GRPO with two layers");
    assertThat(Files.readAllLines(demo.resolve("summary.txt")))
        .hasSize(4)
        .satisfies(lines -> assertThat(lines.get(2)).matches("4( +[0-9.]+){11}"))
        .satisfies(lines -> assertThat(lines.get(3)).matches("5( +[0-9.]+){11}"));
    assertThat(Files.readAllLines(demo.resolve("seed-4/solved.jsonl")))
        .hasSize(20)
        .allMatch(line -> line.contains("\"reasoning\""));
    assertThat(Files.readAllLines(demo.resolve("seed-4/train.jsonl")))
        .hasSize(4000 - 20 - 200)
        .noneMatch(line -> line.contains("reasoning"));
    assertThat(Files.readAllLines(demo.resolve("seed-4/corrections.jsonl")))
        .filteredOn(line -> line.contains(" again "))
        .hasSizeGreaterThan(10)
        .allMatch(line -> line.matches(CORRECTION));
  }

  @Test
  void twoRewardsAreWeighed() throws Exception {
    succeeding("grpo_two_rewards.sh", grpo("REWARD", "f1 length(2,4)", "WEIGHTS", "0.25 0.75"));

    double reward = Double.parseDouble(column("reward").getLast());
    double words = Double.parseDouble(column("reward/f1").getLast());
    double length = Double.parseDouble(column("reward/length_2_4_").getLast());
    assertThat(length).isNotZero();
    assertThat(reward).isCloseTo(0.25 * words + 0.75 * length, offset(1e-6));
  }

  @Test
  void twoRewardsAreTheAnswerAndItsFormUnlessOthersAreNamed() throws Exception {
    succeeding("grpo_two_rewards.sh", grpo());

    assertThat(MetricsFile.read(directory.resolve("run/metrics.csv")).columns())
        .contains("reward/final_answer", "reward/format");
  }

  /// Records as they are published, some of each set.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        """
        gsm8k | {"question": "Tom has 3 apples and buys 4. How many has he?", \
        "answer": "He has 3+4 = <<3+4=7>>7 apples.\\n#### 7"}\
        """,
        """
        math | {"problem": "What is $2^3$?", "level": "Level 1", "type": "Algebra", \
        "solution": "It is $\\\\boxed{8}$."}\
        """,
        """
        minerva_math | {"question": "A mass of 2 kg is lifted by 1 m. How many J?", \
        "answer": "19.6"}\
        """,
        """
        olympiad_bench | {"question": "Find all x with $x^2=4$.", \
        "final_answer": ["2", "-2"], "solution": ["x is 2 or -2."], "context": null}\
        """,
      })
  void twoLayersLearnFromABenchmarkAndAreJudgedByIt(String benchmark, String record)
      throws Exception {
    Path file = Files.writeString(directory.resolve("set.jsonl"), (record + "\n").repeat(3));
    Map<String, String> variables =
        grpo(
            "DATASET", file.toString(),
            "EVAL_DATASET", file.toString(),
            "GUIDING_PROMPT", " Sure?");

    ScriptRun run = succeeding("mgrpo.sh", variables, benchmark, "--group_size=2");

    assertThat(column("eval_t2")).doesNotContain("");
    assertThat(run.out())
        .containsPattern("set\\.jsonl: 3 records")
        .containsPattern("\nfinal_answer_t2 +0\\.\\d{4}")
        .containsPattern("\ndelta ")
        .contains("grpo against ce");
    assertThat(directory.resolve("run/figures.csv")).content().contains("grpo,final_answer_t2,");
  }

  @Test
  void evaluateComparesTwoModelsAndKeepsSamplesAndFigures() throws Exception {
    Map<String, String> variables =
        Map.of(
            "MODEL", model.toString(),
            "GRPO_MODEL", model.toString(),
            "DATASET", questions.toString(),
            "TASK", "reasoning");

    ScriptRun run = succeeding("evaluate.sh", variables, "--max_length=4");

    assertThat(run.out()).contains("grpo against ce", "\nstep_correctness ");
    assertThat(Files.readAllLines(directory.resolve("run/samples.jsonl"))).hasSize(2 * 12);
    assertThat(directory.resolve("run/figures.csv")).content().contains("ce,final_answer,");
  }

  @ParameterizedTest
  @CsvSource({
    "grpo_training.sh, MODEL: is not set; name the directory of the model to start from",
    "mgrpo.sh, '1: is missing: gsm8k, math, minerva_math or olympiad_bench'",
    "evaluate.sh, MODEL: is not set; name the directory of a model",
  })
  void whatIsMissingIsNamed(String script, String said) throws Exception {
    ScriptRun run = run(script, Map.of());

    assertThat(run.exitCode()).isNotZero();
    assertThat(run.err().lines()).singleElement().asString().endsWith(said);
    assertThat(directory.resolve("run")).doesNotExist();
  }

  static Stream<String> names() throws IOException {
    try (Stream<Path> files = Files.list(SCRIPTS)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".sh"))
          .toList()
          .stream();
    }
  }

  /// Every variable that a script reads is told at its top, and docs/commands.md has a line about
  /// it.
  @ParameterizedTest
  @MethodSource("names")
  void everyScriptIsDocumented(String name) throws IOException {
    List<String> lines = Files.readAllLines(SCRIPTS.resolve(name));
    String usage = String.join("\n", lines.stream().takeWhile(l -> l.startsWith("#")).toList());
    assertThat(usage).startsWith("#!/usr/bin/env bash\n# ").containsIgnoringCase("usage");
    Pattern.compile("\\$\\{([A-Z_]+)[:}]")
        .matcher(String.join("\n", lines))
        .results()
        .forEach(variable -> assertThat(usage).contains(variable.group(1)));
    assertThat(Files.readString(ScriptRun.ROOT.resolve("docs/commands.md")))
        .contains("| `scripts/" + name + "` |");
  }
}
