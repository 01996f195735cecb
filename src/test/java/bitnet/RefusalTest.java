package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// What a user reads who asked for something that cannot be done.
class RefusalTest {
  private static final int FAILURE = 1;
  private static final int USAGE = 2;

  @TempDir private static Path directory;
  private static Path text;
  private static Path model;

  @BeforeAll
  static void makeInputs() throws IOException {
    text = CommandRun.someText(directory.resolve("text.txt"));
    model = CommandRun.tinyModel(directory.resolve("blank"));
    Files.writeString(directory.resolve("records.jsonl"), "{\"text\": \"a\"}\n{\"txet\": \"b\"}\n");
    Files.writeString(directory.resolve("broken.jsonl"), "{\"text\": \"a\"}\n{\"text\": \n");
    Files.writeString(directory.resolve("short.txt"), "To be");
    Files.writeString(directory.resolve("unknown.yaml"), "batch_sise: 8\n");
    Files.writeString(directory.resolve("broken.json"), "{\"batch_size\": 8,\n}");
    Path truncated = CommandRun.tinyModel(directory.resolve("truncated"));
    try (FileChannel file =
        FileChannel.open(truncated.resolve("model.safetensors"), StandardOpenOption.WRITE)) {
      file.truncate(5000);
    }
  }

  /// Options of `train-ce` that replace or join the good ones; `@` stands for the directory.
  static Stream<Arguments> badTraining() {
    return Stream.of(
        refusal("dataset", FAILURE, "--dataset=@/none.txt", "none.txt: no such file"),
        refusal("record", USAGE, "--dataset=@/records.jsonl", "records.jsonl:2: ", "\"text\""),
        refusal("JSON", USAGE, "--dataset=@/broken.jsonl", "broken.jsonl:2: ", "JSON"),
        refusal("mask", USAGE, "--completion_only_loss=true", "holds no question", "leave it out"),
        refusal("text", USAGE, "--dataset=@/short.txt", "seq_len 32", "at least 33"),
        refusal("held out", USAGE, "--eval_dataset=@/short.txt", "seq_len 32", "at least 33"),
        refusal("model", FAILURE, "--model_path=@/none", "none: no such file"),
        refusal("weights", FAILURE, "--model_path=@/truncated", "model.safetensors", "5000 bytes"),
        refusal(
            "schedule", USAGE, "--lr_schedule=cosinus", "\"cosinus\" is unknown", "cosine, linear"),
        refusal(
            "key",
            USAGE,
            "--config=@/unknown.yaml",
            "unknown.yaml: key \"batch_sise\"",
            "bitnet train-ce"),
        refusal("config", USAGE, "--config=@/broken.json", "broken.json:2: "),
        refusal("no config", FAILURE, "--config=@/none.json", "none.json: no such file"),
        refusal("length", USAGE, "--seq_len=65", "seq_len 65", "context of 64", "at most 64"),
        refusal("resume", USAGE, "--resume=@/blank", "blank is not a checkpoint", "step-00000100"),
        refusal("memory", USAGE, "--batch_size=10000000", "MiB is available", "--batch_size"));
  }

  private static Arguments refusal(String name, int exitCode, String option, String... said) {
    return argumentSet(name, exitCode, option, List.of(said));
  }

  @ParameterizedTest
  @MethodSource("badTraining")
  void oneLineSaysWhatIsWrongWhereAndWhatToDo(int exitCode, String option, List<String> said) {
    Path run = directory.resolve("run");
    CommandRun refused = CommandRun.of(training(run, option.replace("@", directory.toString())));

    assertThat(refused.err().lines()).singleElement().asString().startsWith("bitnet: ");
    assertThat(refused.err()).contains(said);
    assertThat(refused.exitCode()).isEqualTo(exitCode);
    assertThat(refused.out()).doesNotContain("step 0/2", "step 1/2");
    assertThat(run.resolve("checkpoints")).doesNotExist();
  }

  /// The arguments of a run that would succeed, but for the option that replaces or joins them.
  private static Object[] training(Path run, String option) {
    List<String> good =
        List.of(
            "--dataset=" + text,
            "--model_path=" + model,
            "--output_dir=" + run,
            "--iters=2",
            "--seq_len=32",
            "--batch_size=2",
            "--threads=1");
    String name = option.substring(0, option.indexOf('=') + 1);
    Stream<String> others = good.stream().filter(arg -> !arg.startsWith(name));
    Stream<String> format =
        option.startsWith("--dataset=") && option.contains("jsonl")
            ? Stream.empty()
            : Stream.of("--text_format=document");
    return Stream.of(Stream.of("train-ce", option), others, format).flatMap(args -> args).toArray();
  }

  @Test
  void mistypedOptionIsAnsweredWithTheOneThatWasMeant() {
    CommandRun refused = CommandRun.of(training(directory.resolve("run"), "--batch_sise=8"));

    assertThat(refused.exitCode()).isEqualTo(USAGE);
    assertThat(refused.out()).isEmpty();
    assertThat(refused.err().lines())
        .containsExactly(
            "bitnet: unknown option '--batch_sise=8'",
            "Did you mean '--batch_size'? Try 'bitnet train-ce --help'.");
  }

  @Test
  void tokenOutsideTheVocabularyIsNamed() {
    CommandRun refused = CommandRun.of("logits", "--model_path", model, "--ids", "1 256");

    assertThat(refused.exitCode()).isEqualTo(USAGE);
    assertThat(refused.err().lines())
        .containsExactly("bitnet: token id 256 is outside the vocabulary; use 0 to 255");
  }

  @Test
  void logitsInFullPrecisionHaveNoQuantizedActivations() {
    CommandRun refused =
        CommandRun.of(
            "logits", "--model_path", model, "--ids=1", "--full_precision", "--activations=float");

    assertThat(refused.exitCode()).isEqualTo(USAGE);
    assertThat(refused.err().lines())
        .containsExactly(
            "bitnet: --activations has no effect with --full_precision; leave one of them out");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--kernel=fast | --kernel \"fast\" is unknown here; use auto or one of native, vector,"
            + " scalar",
        "--device=tpu | --device \"tpu\" is not known; use one of auto, cpu, cuda, cuda:1, mps",
        "--lm_head=int2 | --lm_head \"int2\" is unknown; use one of auto, packed, fp32, int8, int4",
        "--kv_cache=int8 | --kv_cache \"int8\" is unknown; use one of fp16, fp32",
      })
  void aWrongNameIsRefusedBeforeAModelIsOpened(String option, String said) {
    CommandRun refused =
        CommandRun.of(
            "infer", "--model_path", directory.resolve("truncated"), "--prompt=A", option);

    assertThat(refused.exitCode()).isEqualTo(USAGE);
    assertThat(refused.err().lines()).singleElement().asString().startsWith("bitnet: " + said);
  }

  @Test
  void commandsOfSparkSayHowToGetIt() {
    CommandRun run = CommandRun.of("spark", "evaluate", "--dataset=" + text, "--ce_model=" + model);

    assertThat(run.err())
        .startsWith("bitnet: Apache Spark is not on the class path; run scripts/bitnet")
        .hasLineCount(1);
    assertThat(run.exitCode()).isEqualTo(FAILURE);
  }
}
