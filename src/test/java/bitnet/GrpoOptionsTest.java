package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The options of `train-grpo`: what they reach, and what is refused.
class GrpoOptionsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path directory;
  private static Path questions;
  private static Path model;

  @BeforeAll
  static void makeInputs() {
    questions = directory.resolve("questions.jsonl");
    CommandRun.succeeding(
        "make-data", "arithmetic", "--digits=1", "--count=12", "--output", questions);
    model = directory.resolve("blank");
    CommandRun.succeeding(
        "create-model",
        "--hidden_size=64",
        "--intermediate_size=96",
        "--layers=1",
        "--heads=1",
        "--tokenizer=bytes",
        "--context=192",
        "--output_dir",
        model);
  }

  /// A run with these options, which replace those that it has otherwise.
  private static CommandRun train(String name, String... options) {
    List<String> others =
        List.of(
            "--dataset=" + questions,
            "--model_path=" + model,
            "--output_dir=" + directory.resolve(name),
            "--steps=1",
            "--batch_size=2",
            "--group_size=2",
            "--max_length=5",
            "--sample_interval=0",
            "--start_answers=0",
            "--threads=1");
    Stream<String> kept =
        others.stream()
            .filter(
                other ->
                    Stream.of(options)
                        .noneMatch(
                            option ->
                                option.startsWith(other.substring(0, other.indexOf('=') + 1))));
    return CommandRun.of(
        Stream.of(Stream.of("train-grpo"), kept, Stream.of(options))
            .flatMap(args -> args)
            .toArray());
  }

  /// The options that the last checkpoint of a run holds.
  private static JsonNode saved(String name) throws IOException {
    Path state = directory.resolve(name).resolve("checkpoints/step-00000001/state.json");
    return JSON.readTree(Files.readString(state)).path("options");
  }

  @Test
  void everyOptionReachesTheSettings() throws IOException {
    CommandRun run =
        train(
            "all",
            "--eval_dataset=" + questions,
            "--two_layer",
            "--rollout_batch=4",
            "--min_informative_groups=3",
            "--max_rollout_batches=2",
            "--overlong_buffer=4",
            "--overlong_penalty=0.5",
            "--negative_weight=0.25",
            "--target_kl=0.05",
            "--eval_samples=3",
            "--keep_best=eval_accuracy",
            "--on_regression=halve",
            "--start_answers=6",
            "--correction_advantage=group",
            "--replay_max_age=9",
            "--t1_prime",
            "--clip_eps=0.1",
            "--epsilon_high=0.3",
            "--beta=0",
            "--kl=forward",
            "--adam_beta2=0.99");

    assertThat(run.err()).isEmpty();
    Map<String, String> expected =
        Map.ofEntries(
            Map.entry("batch_size", "2"),
            Map.entry("rollout_batch", "4"),
            Map.entry("min_informative_groups", "3"),
            Map.entry("max_rollout_batches", "2"),
            Map.entry("overlong_buffer", "4"),
            Map.entry("overlong_penalty", "0.5"),
            Map.entry("negative_weight", "0.25"),
            Map.entry("target_kl", "0.05"),
            Map.entry("on_regression", "halve"),
            Map.entry("correction_advantage", "group"),
            Map.entry("replay_max_age", "9"),
            Map.entry("clip_eps", "0.1"),
            Map.entry("epsilon_high", "0.3"),
            Map.entry("beta", "0"),
            Map.entry("kl", "forward"),
            Map.entry("adam_beta2", "0.99"));
    JsonNode options = saved("all");
    expected.forEach(
        (name, value) -> assertThat(options.path(name).asText()).as(name).isEqualTo(value));
    MetricsFile log = MetricsFile.read(directory.resolve("all/metrics.csv"));
    assertThat(log.column("t1_prime").getLast()).isNotEmpty();
    assertThat(log.column("rollout_batches").getLast()).isIn("1", "2", "1.0", "2.0");
    assertThat(log.column("eval_sampled")).doesNotContain("");
    assertThat(log.column("kl").getLast()).isEmpty();
    assertThat(run.out())
        .contains("\nstart: ", " right when sampled, ", ", sampled ")
        .contains("\nwrote " + directory.resolve("all/model"));
    assertThat(directory.resolve("all/best/manifest.json")).exists();
  }

  @Test
  void withoutThemTheDefaultsOfTheHelpHold() throws IOException {
    assertThat(train("plain", "--two_layer").err()).isEmpty();

    Map<String, String> expected =
        Map.of(
            "rollout_batch", "2",
            "min_informative_groups", "0",
            "overlong_buffer", "0",
            "negative_weight", "1",
            "on_regression", "warn",
            "correction_advantage", "improved",
            "clip_eps", "0.2",
            "epsilon_high", "0.2",
            "kl", "k3");
    JsonNode options = saved("plain");
    expected.forEach(
        (name, value) -> assertThat(options.path(name).asText()).as(name).isEqualTo(value));
    MetricsFile log = MetricsFile.read(directory.resolve("plain/metrics.csv"));
    assertThat(log.column("t1_prime")).containsOnly("");
    assertThat(directory.resolve("plain/best")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource({
    "grpo, , , 3e-4, 4e-4",
    "grpo, 1e-3, , 1e-3, 1e-3",
    "grpo, , 5e-3, 3e-4, 5e-3",
    "dapo, , , 3e-4, 4e-4",
  })
  void ratiosOfSequencesHaveAClipRangeOfTheirOwn(
      String type, String below, String above, String epsilon, String epsilonHigh)
      throws IOException {
    String name = "sequence-%s-%s-%s".formatted(type, below, above);
    CommandRun run =
        train(
            name,
            "--importance=sequence",
            "--loss_type=" + type,
            below == null ? "--seed=0" : "--clip_eps=" + below,
            above == null ? "--log_interval=1" : "--epsilon_high=" + above);

    assertThat(run.err()).isEmpty();
    assertThat(saved(name).path("clip_eps").asText()).isEqualTo(epsilon);
    assertThat(saved(name).path("epsilon_high").asText()).isEqualTo(epsilonHigh);
    String warning =
        "warning: --importance sequence with --loss_type dapo weights completions by their length,"
            + " which is not GSPO; GSPO is --loss_type grpo";
    assertThat(run.out().lines().filter(line -> line.startsWith("warning")))
        .isEqualTo(type.equals("dapo") ? List.of(warning) : List.of());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--rollout_batch=3 | --rollout_batch 3 is not a multiple of --batch_size 2; use 4",
        "--rollout_batch=0 | --rollout_batch 0 must be at least 1",
        "--rollout_batch=-2 | --rollout_batch -2 must be at least 1",
        "--batch_size=0 | --batch_size 0 must be at least 1",
        "--group_size=1 | --group_size 1 must be at least 2",
        "--min_informative_groups=-1 | --min_informative_groups -1 must be at least 0",
        "--min_informative_groups=9 | --min_informative_groups 9 is more than the 8 groups of"
            + " --max_rollout_batches 4; use at most 8",
        "--max_rollout_batches=0 | --max_rollout_batches 0 must be at least 1",
        "--overlong_buffer=6 | --overlong_buffer 6 is more than --max_length 5; use a fifth of it",
        "--overlong_penalty=-1 | --overlong_penalty -1.0 is not a finite number of at least 0; use 1",
        "--negative_weight=1.5 | --negative_weight 1.5 is not from 0 to 1; use 1",
        "--target_kl=-0.1 | --target_kl -0.1 is not a finite number of at least 0; use 0.05",
        "--eval_samples=-1 | --eval_samples -1 must be at least 0",
        "--start_answers=-1 | --start_answers -1 must be at least 0",
        "--keep_best=eval_sampled | --keep_best eval_sampled needs questions to evaluate on; add"
            + " --eval_dataset FILE",
        "--keep_best=last | --keep_best \"last\" is unknown; use one of none, eval_accuracy,"
            + " eval_sampled",
        "--on_regression=pause | --on_regression \"pause\" is unknown; use one of warn, halve, stop",
        "--on_regression=stop | --on_regression stop needs questions to evaluate on; add"
            + " --eval_dataset FILE",
        "--t1_prime | --t1_prime has no effect without --two_layer; add it",
        "--correction_advantage=group | --correction_advantage has no effect without --two_layer; add"
            + " it",
        "--replay_max_age=1 | --replay_max_age has no effect without --two_layer; add it",
        "--clip_eps=1 | --clip_eps 1.0 is not above 0 and below 1; use 0.2",
        "--epsilon_high=0 | --epsilon_high 0.0 is not a finite number above 0; use 0.2 or 0.28",
        "--temperature=0 | --temperature 0 makes all completions of a group equal; use 1",
      })
  void oneLineNamesTheOptionTheRuleAndARemedy(String option, String said) {
    CommandRun run = train("refused", option);

    assertThat(run.err()).isEqualTo("bitnet: " + said + "\n");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(directory.resolve("refused/checkpoints")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--correction_advantage=group | --augmentation_size=1 | --correction_advantage group compares"
            + " the corrections of a first answer, but --augmentation_size is 1; use 2 or more",
        "--overlong_buffer=4 | --second_max_length=3 | --overlong_buffer 4 is more than"
            + " --second_max_length 3; use a fifth of it",
        "--replay_max_age=-1 | --buffer_size=4 | --replay_max_age -1 must be at least 0",
      })
  void combinationsOfTheSecondLayerAreRefused(String option, String other, String said) {
    assertThat(train("refused", "--two_layer", option, other).err())
        .isEqualTo("bitnet: " + said + "\n");
  }

  @Test
  void sampledAccuracyCannotBeKeptByWithoutSamples() {
    assertThat(
            train(
                    "refused",
                    "--eval_dataset=" + questions,
                    "--eval_samples=0",
                    "--keep_best=eval_sampled")
                .err())
        .isEqualTo(
            "bitnet: --keep_best eval_sampled needs sampled answers; use --eval_samples 4, or"
                + " --keep_best eval_accuracy\n");
  }

  /// The names are those of the options, so that they can be set again.
  @Test
  void aRunIsResumedWithTheSameBatchesOnly() {
    assertThat(train("batches", "--rollout_batch=4").err()).isEmpty();

    assertThat(train("batches", "--rollout_batch=2", "--resume=auto").err())
        .contains("was made with other options: --rollout_batch was 4, now 2;");
    assertThat(train("batches", "--rollout_batch=4", "--batch_size=4", "--resume=auto").err())
        .contains("was made with other options: --batch_size was 2, now 4;");
    assertThat(train("batches", "--rollout_batch=4", "--resume=auto").err()).isEmpty();
  }
}
