package example;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bitnet.checkpoint.ModelDirectory;
import bitnet.generation.GenerationSettings;
import bitnet.generation.SamplingSettings;
import bitnet.generation.TextModel;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Runs the training examples as a user would, on a model of 100,000 parameters.
class TrainingExamplesTest {
  @TempDir private static Path directory;
  private static Path model;

  /// A program that may fail.
  private interface Program {
    void main(String... args) throws IOException;
  }

  @BeforeAll
  static void makeModel() throws IOException {
    model = directory.resolve("blank");
    try (Tokenizer bytes = Tokenizer.byteLevel()) {
      ModelDirectory.writeBlank(
          model,
          LlamaConfig.of(256, 64, 128, 2, 2).withContextLength(64),
          new LatentInitializer(1, 0.05),
          bytes,
          ModelDirectory.Existing.REFUSE,
          parameters -> {});
    }
  }

  /// What the program prints.
  private static String output(Program program, Object... args) throws IOException {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (PrintStream replacement = new PrintStream(out, true, UTF_8)) {
      System.setOut(replacement);
      program.main(Arrays.stream(args).map(Object::toString).toArray(String[]::new));
    } finally {
      System.setOut(before);
    }
    return out.toString(UTF_8);
  }

  /// The numbers that follow a word in the output.
  private static List<Double> numbers(String output, String word) {
    return Pattern.compile(word + " (-?[\\d.]+)")
        .matcher(output)
        .results()
        .map(found -> Double.valueOf(found.group(1)))
        .toList();
  }

  private static void assertWrites(Path trained) throws IOException {
    try (TextModel opened = TextModel.open(trained)) {
      GenerationSettings settings = GenerationSettings.of(4, SamplingSettings.GREEDY);
      assertThat(opened.generator().generate("1+1=", settings, text -> {}).tokens()).isNotEmpty();
    }
  }

  @Test
  void trainingLowersTheLossAndWritesAModelAndIsNotRepeated() throws IOException {
    Path text = Files.writeString(directory.resolve("text"), "To be, or not to be. ".repeat(500));
    Path run = directory.resolve("ce");

    String first = output(TrainExample::main, model, text, run, 40);

    assertThat(first).contains("saved ", "wrote ").endsWith("done\n");
    List<Double> losses = numbers(first, "  loss");
    assertThat(losses).hasSize(4);
    assertThat(losses.getLast()).isLessThan(losses.getFirst() - 1);
    assertWrites(run.resolve("model"));
    assertThat(output(TrainExample::main, model, text, run, 40)).contains("resumed: ");
  }

  @Test
  void aRewardOfOnesOwnRises() throws IOException {
    Path questions = directory.resolve("questions.jsonl");
    Files.writeString(
        questions,
        """
        {"query": "1+2=", "answer": "3"}
        {"query": "3+4=", "answer": "7"}
        """);
    Path run = directory.resolve("grpo");

    List<Double> rewards =
        numbers(output(CustomReward::main, model, questions, run, 20), "  reward");

    assertThat(rewards).hasSize(20);
    assertThat(mean(rewards.subList(15, 20))).isGreaterThan(mean(rewards.subList(0, 5)));
    assertWrites(run.resolve("model"));
    assertThat(new CustomReward().score("", "", "a1b2").outcome()).isCloseTo(0.5, within(1e-12));
  }

  @Test
  void theStagesOfGrpoOneByOneRaiseTheReward() throws IOException {
    Path target = directory.resolve("by-hand");

    List<Double> rewards = numbers(output(GrpoStepByHand::main, model, target, 30), "  reward");

    assertThat(rewards).hasSize(30);
    assertThat(mean(rewards.subList(25, 30))).isGreaterThan(mean(rewards.subList(0, 5)));
    assertWrites(target);
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }
}
