package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bitnet.format.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Adapters that are trained on packed models, and used with them.
class LoraTrainingTest {
  private static final List<String> NUMBERS =
      List.of("step", "loss", "smoothed_loss", "eval_loss", "lr", "grad_norm");

  @TempDir private static Path directory;
  private static Path text;
  private static Path own;
  private static Path packed;
  private static Path whole;

  @BeforeAll
  static void trainWithoutInterruption() throws IOException {
    text = CommandRun.someText(directory.resolve("text.txt"));
    own = CommandRun.tinyModel(directory.resolve("blank"));
    packed = convert("hf-bitlinear");
    whole = directory.resolve("whole");
    CommandRun.succeeding(training(packed, whole, 20));
  }

  private static Path convert(String format) {
    Path target = directory.resolve(format);
    CommandRun.succeeding("convert", "--from", own, "--to", target, "--format", format);
    return target;
  }

  private static Object[] training(Path model, Path run, int steps) {
    return new Object[] {
      "train-ce",
      "--dataset=" + text,
      "--text_format=document",
      "--model_path=" + model,
      "--output_dir=" + run,
      "--csv_log=" + run + ".csv",
      "--iters=" + steps,
      "--batch_size=4",
      "--seq_len=32",
      "--save_interval=5",
      "--eval_interval=5",
      "--eval_tokens=512",
      "--lr=1e-2",
      "--threads=1",
      "--lora_rank=4",
      "--lora_dropout=0.1",
    };
  }

  @Test
  void anAdapterLowersTheHeldOutLossAndTheBaseStaysAsItIs() throws IOException {
    List<Double> losses =
        MetricsFile.read(Path.of(whole + ".csv")).column("eval_loss").stream()
            .filter(loss -> !loss.isEmpty())
            .map(Double::valueOf)
            .toList();
    assertThat(losses.getLast()).isLessThan(losses.getFirst() - 0.2);
    assertThat(whole.resolve("model")).doesNotExist();
    assertThat(whole.resolve("adapter/adapter_config.json")).isRegularFile();
    assertThat(whole.resolve("adapter/adapter_model.safetensors")).isRegularFile();
  }

  @Test
  void aRunThatIsResumedGivesTheSameAdapter() throws IOException {
    Path run = directory.resolve("stopped");
    CommandRun.succeeding(training(packed, run, 20));
    // as if it had been killed after its third checkpoint
    for (String later : List.of("checkpoints/step-00000020", "adapter")) {
      delete(run.resolve(later));
    }
    CommandRun resumed =
        CommandRun.succeeding(CommandRun.with(training(packed, run, 20), "--resume", "auto"));
    assertThat(resumed.out()).contains("step-00000015");
    MetricsFile log = MetricsFile.read(Path.of(run + ".csv"));
    for (String name : NUMBERS) {
      assertThat(log.column(name))
          .as(name)
          .isEqualTo(MetricsFile.read(Path.of(whole + ".csv")).column(name));
    }
    assertThat(run.resolve("adapter/adapter_model.safetensors"))
        .hasSameBinaryContentAs(whole.resolve("adapter/adapter_model.safetensors"));
  }

  @Test
  void anAdapterIsMergedIntoLatentWeightsAndNotIntoTrits() throws IOException {
    Path merged = directory.resolve("merged");
    CommandRun run =
        CommandRun.succeeding(
            "convert",
            "--from=" + own,
            "--to=" + merged,
            "--format=hf-online",
            "--merge_adapter=" + whole);
    assertThat(run.out()).containsPattern("note +the adapter is added .* [0-9.]+% of the trits");
    CommandRun.succeeding("verify", "--model_path", merged);
    CommandRun refused =
        CommandRun.of(
            "convert",
            "--from=" + packed,
            "--to=" + directory.resolve("refused"),
            "--format=gguf-f16",
            "--merge_adapter=" + whole);
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err())
        .isEqualToNormalizingNewlines(
            "bitnet: %s has trits only, and small changes of trits are lost in rounding; merge into the model that has the latent weights, or leave the adapter apart, as infer, chat, evaluate and serve take it\n"
                .formatted(packed));
    assertThat(directory.resolve("refused")).doesNotExist();
  }

  @Test
  void anAdapterBecomesAFileOfLlamaCpp() throws IOException {
    Path file = directory.resolve("adapter.gguf");
    CommandRun run =
        CommandRun.succeeding(
            "convert", "--from=" + own, "--adapter=" + whole, "--to=" + file, "--format=gguf-lora");
    assertThat(run.out())
        .contains("adapter.gguf, gguf-lora,")
        .containsPattern("from +\\Q%s\\E, ".formatted(whole));
    try (GgufFile written = GgufFile.open(file)) {
      assertThat(written.metadata().text("general.type")).isEqualTo("adapter");
      assertThat(written.metadata().text("adapter.type")).isEqualTo("lora");
      assertThat(written.tensors())
          .hasSizeGreaterThan(2)
          .allMatch(tensor -> tensor.name().matches("blk\\.\\d+\\.\\w+\\.weight\\.lora_[ab]"));
    }
    assertThat(refusal("convert", "--from=" + own, "--to=" + file, "--format=gguf-lora"))
        .startsWith("bitnet: --format gguf-lora writes an adapter; name it with --adapter");
    assertThat(
            refusal(
                "convert",
                "--from=" + own,
                "--adapter=" + whole,
                "--to=" + directory.resolve("no.gguf"),
                "--format=gguf-f16"))
        .startsWith("bitnet: --adapter is for --format gguf-lora");
    assertThat(
            refusal(
                "convert",
                "--from=" + own,
                "--adapter=" + whole,
                "--to=" + file,
                "--format=gguf-lora"))
        .contains("already exists");
    Path other = Files.writeString(directory.resolve("notes.txt"), "mine");
    assertThat(
            refusal(
                "convert",
                "--from=" + own,
                "--adapter=" + whole,
                "--to=" + other,
                "--force",
                "--format=gguf-lora"))
        .contains("is not a GGUF file");
    assertThat(other).hasContent("mine");
    assertThat(refusal("convert", "--from=" + own, "--to=" + file, "--format=gguf"))
        .contains("gguf-ptq1_0, or gguf-lora for an adapter");
  }

  private static String refusal(Object... arguments) {
    CommandRun refused = CommandRun.of(arguments);
    assertThat(refused.exitCode()).isEqualTo(2);
    return refused.err();
  }

  private static void delete(Path path) throws IOException {
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"native", "hf-bitlinear", "gguf-f16"})
  void theFormOfTheBaseDoesNotMatter(String form) throws IOException {
    Path base =
        switch (form) {
          case "native" -> own;
          case "hf-bitlinear" -> packed;
          default -> convert(form);
        };
    Path run = directory.resolve("form-" + form);
    CommandRun.succeeding(training(base, run, 3));
    assertThat(firstHeldOutLoss(run)).isCloseTo(firstHeldOutLoss(whole), within(1e-3));
    CommandRun.succeeding("logits", "--model_path", base, "--adapter", whole, "--ids", "1 2 3");
  }

  private static double firstHeldOutLoss(Path run) throws IOException {
    return Double.parseDouble(
        MetricsFile.read(Path.of(run + ".csv")).column("eval_loss").getFirst());
  }

  @Test
  void commandsThatRunAModelTakeTheAdapter() {
    Object[] infer = {
      "infer", "--model_path", packed, "--prompt=the ", "--max_length=24", "--temperature=0"
    };
    assertThat(CommandRun.succeeding(CommandRun.with(infer, "--adapter", whole)).out())
        .isNotEqualTo(CommandRun.succeeding(infer).out());
    CommandRun report =
        CommandRun.succeeding(
            "evaluate",
            "--task=perplexity",
            "--dataset=" + text,
            "--text_format=document",
            "--model=base=" + packed,
            "--model=tuned=" + packed,
            "--adapter=tuned=" + whole.resolve("adapter"));
    assertThat(report.out()).contains("base", "tuned");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--lora_rank=0 | --lora_rank 0 must be at least 1",
        "--lora_alpha=-1 | --lora_alpha -1.0 is not a finite number above 0; use 8, twice the rank",
        "--lora_targets=q,w | --lora_targets \"w\" is not known; use some of q,k,v,o,gate,up,down",
        "--lora_dropout=1 | --lora_dropout 1.0 is not from 0 to below 1; use 0",
        "--quant_warmup=3 | --quant_warmup 3 has no effect with --lora_rank, whose base is ternary"
            + " already; leave it out"
      })
  void aBadValueIsRefusedBeforeWorkStarts(String option, String message) {
    Path run = directory.resolve("refused");
    String name = option.substring(0, option.indexOf('=') + 1);
    Object[] others =
        Arrays.stream(training(packed, run, 3))
            .filter(argument -> !argument.toString().startsWith(name))
            .toArray();
    CommandRun refused = CommandRun.of(CommandRun.with(others, option));
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).isEqualToNormalizingNewlines("bitnet: " + message + "\n");
  }

  @Test
  void settingsOfAnAdapterNeedItsRank() {
    CommandRun refused =
        CommandRun.of(
            "train-ce",
            "--dataset=" + text,
            "--model_path=" + packed,
            "--output_dir=" + directory.resolve("refused"),
            "--iters=3",
            "--lora_alpha=8");
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err())
        .isEqualToNormalizingNewlines(
            "bitnet: --lora_alpha has no effect without --lora_rank; give both or none\n");
  }

  private static Object[] policy(Path run) throws IOException {
    Path questions = directory.resolve("questions.jsonl");
    Files.writeString(
        questions,
        """
        {"query": "What is 1 + 1?", "answer": "2"}
        {"query": "What is 2 + 1?", "answer": "3"}
        """);
    return new Object[] {
      "train-grpo",
      "--dataset=" + questions,
      "--model_path=" + packed,
      "--output_dir=" + run,
      "--csv_log=" + run + ".csv",
      "--steps=4",
      "--batch_size=2",
      "--group_size=4",
      "--max_length=8",
      "--reward_model=length",
      "--beta=0.01",
      "--lr=1e-2",
      "--save_interval=2",
      "--start_answers=0",
      "--threads=1",
      "--lora_rank=4",
    };
  }

  @Test
  void rolloutsAreDrawnFromTheBaseWithTheAdapterAsItIs() throws IOException {
    Path run = directory.resolve("policy");
    CommandRun.succeeding(policy(run));
    MetricsFile log = MetricsFile.read(Path.of(run + ".csv"));
    assertThat(log.column("step")).hasSize(4);
    assertThat(log.column("logp_mismatch"))
        .allSatisfy(value -> assertThat(Double.parseDouble(value)).isLessThan(1e-5));
    assertThat(Double.parseDouble(log.column("kl").getLast())).isGreaterThan(1e-6);
    for (String later : List.of("checkpoints/step-00000004", "adapter")) {
      delete(run.resolve(later));
    }
    CommandRun resumed = CommandRun.succeeding(CommandRun.with(policy(run), "--resume", "auto"));
    assertThat(resumed.out()).contains("step-00000002");
    for (String name : List.of("reward", "kl", "loss", "grad_norm")) {
      assertThat(MetricsFile.read(Path.of(run + ".csv")).column(name))
          .as(name)
          .isEqualTo(log.column(name));
    }
  }

  @Test
  void aReferenceThatFollowsTheAdapterIsRefused() throws IOException {
    CommandRun refused =
        CommandRun.of(CommandRun.with(policy(directory.resolve("synced")), "--ref_sync=1"));
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err())
        .isEqualToNormalizingNewlines(
            "bitnet: --ref_sync 1 cannot be used with --lora_rank, whose reference is the base;"
                + " leave it out\n");
  }

  @Test
  void aRunThatDivergesSaysSo() {
    Path run = directory.resolve("diverged");
    Object[] others =
        Arrays.stream(training(packed, run, 3))
            .filter(argument -> !argument.toString().startsWith("--lr="))
            .toArray();
    CommandRun diverged = CommandRun.of(CommandRun.with(others, "--lr=1e30", "--warmup=0"));
    assertThat(diverged.exitCode()).isEqualTo(1);
    assertThat(diverged.err()).contains("the run has diverged, and nothing is written");
    assertThat(run.resolve("adapter")).doesNotExist();
  }
}
