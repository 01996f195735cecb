package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Published sets by their names: downloaded, judged as from local files, and kept.
class BenchmarkCommandsTest {
  private static final Path SETS = Path.of("resources/benchmarks");

  @TempDir private static Path directory;
  private static Path model;

  @BeforeAll
  static void makeModel() {
    model = CommandRun.tinyModel(directory.resolve("model"));
  }

  /// A hub that has all sets.
  private static ModelHub hub() throws IOException {
    ModelHub hub = new ModelHub(model, 0);
    hub.hasTree = true;
    hub.addDataset("openai/gsm8k", SETS.resolve("gsm8k"));
    hub.addDataset("EleutherAI/hendrycks_math", SETS.resolve("hendrycks_math"));
    hub.addDataset("HuggingFaceH4/MATH-500", SETS.resolve("MATH-500"));
    hub.addDataset("math-ai/minervamath", SETS.resolve("minervamath"));
    hub.addDataset("math-ai/olympiadbench", SETS.resolve("olympiadbench"));
    return hub;
  }

  private static ScriptRun run(Map<String, String> environment, Object... args) throws Exception {
    Path place = Files.createTempDirectory(directory, "place");
    return ScriptRun.in(place, environment, CommandRun.commandLine(args).toArray(String[]::new));
  }

  private static Object[] evaluation(String... more) {
    List<Object> args =
        new ArrayList<>(
            List.of("evaluate", "--ce_model=" + model, "--max_length=6", "--threads=1", "--json"));
    args.addAll(List.of(more));
    return args.toArray();
  }

  @ParameterizedTest
  @CsvSource({
    "gsm8k, local/gsm8k.jsonl",
    "math, local/math.jsonl",
    "math500, MATH-500/test.jsonl",
    "minerva_math, minervamath/test.jsonl",
    "olympiad_bench, olympiadbench/test.jsonl",
  })
  void aSetByItsNameHasTheFiguresOfItsFile(String name, String file) throws Exception {
    Path home = directory.resolve("home-" + name);
    String local = "--dataset=" + SETS.resolve(file).toAbsolutePath();
    String benchmark = "--benchmark=" + name;
    try (ModelHub hub = hub()) {
      CommandRun expected = CommandRun.succeeding(evaluation(benchmark, local));
      ScriptRun named = run(hub.environment(home), evaluation(benchmark));
      assertThat(named.exitCode()).as(named.err()).isZero();
      assertThat(named.out()).isEqualTo(expected.out());

      if (name.matches("gsm8k|math")) {
        long sent = hub.sentBytes.get();
        Map<String, String> offline = new HashMap<>(hub.environment(home));
        offline.put("HF_HUB_OFFLINE", "1");
        assertThat(run(offline, evaluation(benchmark)).out()).isEqualTo(expected.out());
        assertThat(hub.sentBytes).hasValue(sent);
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "choice | | --task choice needs --dataset FILE",
        "perplexity | | --task perplexity needs --dataset FILE",
        "choice | --split=test | --split has no effect with --task choice",
        "perplexity | --benchmark=gsm8k | --benchmark has no effect with --task perplexity",
        "perplexity | --limit=2 | --limit has no effect with --task perplexity",
      })
  void otherTasksNeedADataset(String task, @Nullable String option, String said) {
    List<Object> args = new ArrayList<>(List.of("evaluate", "--ce_model=" + model));
    args.add("--task=" + task);
    args.add(option == null ? "--json" : option);
    CommandRun refused = CommandRun.of(args.toArray());
    assertThat(refused.err().lines()).singleElement().asString().startsWith("bitnet: " + said);
  }

  @Test
  void anotherSplitIsAnotherDownload() throws Exception {
    Path home = directory.resolve("home-split");
    try (ModelHub hub = hub()) {
      Map<String, String> environment = hub.environment(home);
      ScriptRun train =
          run(
              environment,
              "evaluate",
              "--ce_model=" + model,
              "--max_length=4",
              "--benchmark=gsm8k",
              "--split=train");
      assertThat(train.exitCode()).as(train.err()).isZero();
      assertThat(train.out()).startsWith("gsm8k train: 6 records\n");
      Map<String, String> offline = new HashMap<>(environment);
      offline.put("HF_HUB_OFFLINE", "1");
      ScriptRun test = run(offline, evaluation("--benchmark=gsm8k"));
      assertThat(test.exitCode()).isEqualTo(1);
      assertThat(test.err().lines())
          .singleElement()
          .asString()
          .startsWith("bitnet: datasets/openai/gsm8k is not complete in ");
      assertThat(run(environment, "models").out())
          .startsWith("0 models and 1 datasets in ")
          .contains("datasets/openai/gsm8k");
      assertThat(run(environment, "models", "--remove", "datasets/openai/gsm8k").out())
          .startsWith("removed datasets/openai/gsm8k");
    }
  }

  @Test
  void trainingTakesTheTrainSplit() throws Exception {
    Path home = directory.resolve("home-train");
    try (ModelHub hub = hub()) {
      ScriptRun trained =
          run(
              hub.environment(home),
              "train-grpo",
              "--model_path=" + model,
              "--benchmark=gsm8k",
              "--steps=1",
              "--batch_size=2",
              "--group_size=2",
              "--max_length=4",
              "--threads=1",
              "--output_dir=" + directory.resolve("grpo"));
      assertThat(trained.exitCode()).as(trained.err()).isZero();
      assertThat(trained.out()).contains("data: 6 records");
      Path snapshot = home.resolve("hub/datasets--openai--gsm8k/snapshots/" + ModelHub.COMMIT);
      assertThat(snapshot.resolve("main/train-00000-of-00001.parquet")).exists();
      assertThat(snapshot.resolve("main/test-00000-of-00001.parquet")).doesNotExist();
      assertThat(snapshot.resolve("socratic")).doesNotExist();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--benchmark=gsm8k --split=dev | split \"dev\" of gsm8k does not exist; use test or train",
        "--benchmark=math500 --split=train | split \"train\" of math500 does not exist; use test",
        "--benchmark=gsm9k | --benchmark \"gsm9k\" is unknown; use one of gsm8k, math, math500,",
        "--split=test | no questions are named; give --dataset FILE, or --benchmark NAME",
        "--benchmark=gsm8k --split=test --dataset=x | --split has no effect with --dataset",
        "--task=perplexity | --max_length has no effect with --task perplexity",
        "--benchmark=gsm8k --dataset=none.jsonl | none.jsonl: no such file; gsm8k is read from",
        "--benchmark=gsm8k --dataset=none.jsonl | leave --dataset out to download it from https",
      })
  void whatCannotBeReadIsRefusedInOneLine(String options, String said) {
    CommandRun refused = CommandRun.of(evaluation(options.split(" ", -1)));
    assertThat(refused.err().lines()).singleElement().asString().startsWith("bitnet: ");
    assertThat(refused.err()).contains(said);
    assertThat(refused.exitCode()).isBetween(1, 2);
  }

  @Test
  void aSetThatTheHubLacksOrHasChangedIsRefusedInOneLine() throws Exception {
    try (ModelHub hub = new ModelHub(model, 0)) {
      ScriptRun missing =
          run(hub.environment(directory.resolve("none")), evaluation("--benchmark=gsm8k"));
      assertThat(missing.err().lines())
          .singleElement()
          .asString()
          .startsWith("bitnet: datasets/openai/gsm8k does not exist or is private");
      hub.addDataset("openai/gsm8k", SETS.resolve("minervamath"));
      ScriptRun changed =
          run(hub.environment(directory.resolve("none")), evaluation("--benchmark=gsm8k"));
      assertThat(changed.err().lines())
          .singleElement()
          .asString()
          .contains("datasets/openai/gsm8k has none of the files that were expected");
    }
  }

  @Test
  void aLimitEvaluatesTheFirstRecords() {
    String local = "--dataset=" + SETS.resolve("local/gsm8k.jsonl");
    CommandRun limited = CommandRun.succeeding(evaluation("--benchmark=gsm8k", local, "--limit=2"));
    assertThat(limited.out()).contains("\"count\":2");
    CommandRun refused = CommandRun.of(evaluation("--benchmark=gsm8k", local, "--limit=0"));
    assertThat(refused.err()).startsWith("bitnet: --limit 0 must be at least 1");
  }
}
