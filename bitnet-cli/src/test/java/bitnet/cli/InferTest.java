package bitnet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.cli.output.ExitCode;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `infer` and `logits` on a model that transformers wrote, and on a blank one of our own.
class InferTest {
  private static final Path FIXTURE =
      Path.of("../bitnet-core/src/test/resources/fixtures/online-autobitlinear");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int VOCAB = 119;

  @TempDir private static Path directory;
  private static Path words;
  private static Path own;
  private static JsonNode expected;

  private record Result(int exitCode, String out, String err) {
    static Result of(Object... args) {
      StringWriter out = new StringWriter();
      StringWriter err = new StringWriter();
      int exitCode =
          Main.run(
              new PrintWriter(out),
              new PrintWriter(err),
              Stream.of(args).map(Object::toString).toArray(String[]::new));
      return new Result(exitCode, out.toString(), err.toString());
    }
  }

  @BeforeAll
  static void makeModels() throws IOException {
    expected = JSON.readTree(FIXTURE.resolve("expected.json").toFile());
    words = Files.createDirectory(directory.resolve("words"));
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(FIXTURE.resolve(name), words.resolve(name));
    }
    String vocabulary =
        IntStream.range(0, VOCAB)
            .mapToObj("\"w%1$d\": %1$d"::formatted)
            .collect(Collectors.joining(", "));
    Files.writeString(
        words.resolve("tokenizer.json"),
        """
        {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "WhitespaceSplit"},
         "model": {"type": "WordLevel", "unk_token": "w0", "vocab": {%s}}}
        """
            .formatted(vocabulary));
    own = directory.resolve("own");
    Result made =
        Result.of("create-model", "--params", "1M", "--tokenizer", "bytes", "--output_dir", own);
    assertThat(made.exitCode()).as(made.err()).isZero();
  }

  private static List<Integer> numbers(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(JsonNode::intValue).toList();
  }

  private static String words(List<Integer> ids) {
    return ids.stream().map("w%d"::formatted).collect(Collectors.joining(" "));
  }

  private static String prompt() {
    return words(numbers(expected.path("input_ids").path(0)));
  }

  @Test
  void greedyTextIsThatOfTransformers() {
    Result result =
        Result.of(
            "infer",
            "--model_path",
            words,
            "--prompt",
            prompt(),
            "--max_length",
            16,
            "--temperature",
            0,
            "--threads",
            1,
            "--device",
            "cpu");
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.out().strip()).isEqualTo(words(numbers(expected.path("greedy"))));
    assertThat(result.err()).isEmpty();
  }

  @Test
  void jsonHasTheTokensWithTheirLogProbabilities() throws IOException {
    Result result =
        Result.of(
            "infer",
            "--model-path",
            words,
            "--prompt",
            prompt(),
            "--max-length",
            16,
            "--temperature",
            0,
            "--json");
    JsonNode object = JSON.readTree(result.out());
    assertThat(numbers(object.path("tokens"))).isEqualTo(numbers(expected.path("greedy")));
    assertThat(object.path("prompt").textValue()).isEqualTo(prompt());
    assertThat(object.path("text").textValue().strip())
        .isEqualTo(words(numbers(expected.path("greedy"))));
    assertThat(object.path("finish").textValue()).isEqualTo("length");
    assertThat(object.path("prompt_tokens").intValue()).isEqualTo(17);
    assertThat(object.path("log_probabilities")).hasSize(16).allMatch(p -> p.doubleValue() == 0);
    assertThat(object.path("model_log_probabilities"))
        .hasSize(16)
        .allMatch(p -> p.doubleValue() < 0);
    assertThat(object.path("decode_tok_s").doubleValue()).isPositive();
  }

  @Test
  void everyPromptHasATitleAndItsOwnRandomNumbers() {
    Object[] options = {
      "infer",
      "--model_path",
      own,
      "--prompt",
      "To be",
      "--prompt",
      "To be",
      "--max_length",
      12,
      "--seed",
      7
    };
    Result result = Result.of(options);
    assertThat(result.exitCode()).as(result.err()).isZero();
    String[] texts = result.out().split("== prompt [12]: To be\\R", -1);
    assertThat(texts).hasSize(3);
    assertThat(texts[0]).isEmpty();
    assertThat(texts[1]).isNotEqualTo(texts[2]);
    assertThat(Result.of(options).out()).isEqualTo(result.out());
    options[options.length - 1] = 8;
    assertThat(Result.of(options).out()).isNotEqualTo(result.out());
  }

  @Test
  void statisticsGoToStandardErrorAndAStopStringIsTakenOff() {
    Result result =
        Result.of(
            "infer",
            "--model_path",
            words,
            "--prompt",
            prompt(),
            "--temperature",
            0,
            "--stats",
            "--stop",
            "never",
            "--stop",
            "w44");
    assertThat(result.out().strip()).isEqualTo("w41 w41 w41 w41 w41 w98");
    assertThat(result.err())
        .containsPattern("loaded in \\d+\\.\\d\\d s")
        .containsPattern("prompt 17 tokens, .* tok/s; text 7 tokens, .* tok/s; ended by stop");
  }

  @Test
  void aDashReadsThePromptFromStandardInput() {
    InputStream before = System.in;
    try {
      System.setIn(new ByteArrayInputStream("Süß\n".getBytes(StandardCharsets.UTF_8)));
      Result result =
          Result.of("infer", "--model_path", own, "--prompt", "-", "--json", "--max_length", 1);
      assertThat(result.out()).contains("\"prompt\":\"Süß\"").contains("\"prompt_tokens\":5");
    } finally {
      System.setIn(before);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "--temperature, -1, temperature -1.0",
    "--top_k, -3, top_k -3",
    "--top_p, 0, top_p 0.0",
    "--min_p, 2, min_p 2.0",
    "--repetition_penalty, 0, repetition_penalty 0.0",
    "--max_length, 0, max_length 0",
    "--stop, '', stop string is empty",
    "--threads, -1, --threads -1",
    "--device, abacus, abacus",
  })
  void aWrongOptionIsAUsageErrorInOneLine(String option, String value, String reason) {
    Result result = Result.of("infer", "--model_path", own, "--prompt", "x", option + "=" + value);
    assertThat(result.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(result.err().lines()).hasSize(1).first().asString().contains(reason);
    assertThat(result.out()).isEmpty();
  }

  @Test
  void standardInputIsReadOnceOnly() {
    Result result = Result.of("infer", "--model_path", own, "--prompt", "-", "--prompt", "-");
    assertThat(result.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(result.err()).hasLineCount(1).contains("--prompt - is given twice");
  }

  @Test
  void anEmptyPromptALongPromptAndAMissingTokenizerAreNamed() {
    Result empty = Result.of("infer", "--model_path", own, "--prompt", "");
    assertThat(empty.err()).startsWith("bitnet: the prompt is empty").hasLineCount(1);
    Result tooLong = Result.of("infer", "--model_path", own, "--prompt", "x".repeat(3000));
    assertThat(tooLong.err()).startsWith("bitnet: the prompt has 3000 tokens").hasLineCount(1);
    assertThat(tooLong.exitCode()).isEqualTo(ExitCode.USAGE);
    Result noTokenizer = Result.of("infer", "--model_path", FIXTURE, "--prompt", "x");
    assertThat(noTokenizer.err()).contains("tokenizer.json").hasLineCount(1);
    assertThat(noTokenizer.exitCode()).isEqualTo(ExitCode.FAILURE);
  }

  @Test
  void logitsAreThoseOfTransformersAtEveryPosition() throws IOException {
    List<Integer> ids = numbers(expected.path("input_ids").path(1));
    String list = ids.stream().map(String::valueOf).collect(Collectors.joining(" "));
    Result result = Result.of("logits", "--model_path", FIXTURE, "--ids", list, "--json");
    assertThat(result.exitCode()).as(result.err()).isZero();
    JsonNode logits = JSON.readTree(result.out()).path("logits");
    assertThat(logits).hasSize(ids.size());
    for (int position = 0; position < ids.size(); position++) {
      assertThat(logits.path(position)).hasSize(VOCAB);
      for (int token = 0; token < VOCAB; token++) {
        double difference =
            logits.path(position).path(token).doubleValue()
                - expected.path("logits").path(1).path(position).path(token).doubleValue();
        assertThat(Math.abs(difference)).isLessThan(1e-4);
      }
    }
  }

  @Test
  void logitsOfOurOwnModelsAreTheSameHoweverTheIdsAreSeparated() {
    List<String> outputs = new ArrayList<>();
    outputs.add(Result.of("logits", "--model_path", own, "--ids", "1 2 3", "--json").out());
    outputs.add(Result.of("logits", "--model_path", own, "--ids", "1,2, 3", "--json").out());
    outputs.add(Result.of("logits", "--model_path", own, "--json", "--ids", 1, 2, 3).out());
    assertThat(outputs.getFirst()).startsWith("{\"logits\":[[").endsWith(System.lineSeparator());
    assertThat(outputs).containsOnly(outputs.getFirst());
  }

  @Test
  void withoutJsonTheBestFiveTokensOfAPositionAreListed() {
    List<Integer> ids = numbers(expected.path("input_ids").path(0));
    Result result =
        Result.of("logits", "--model_path", FIXTURE, "--ids", ids.get(0) + " " + ids.get(1));
    assertThat(result.out().lines()).hasSize(3);
    assertThat(result.out().lines().skip(1)).allMatch(line -> line.split(": ", -1).length == 6);
    JsonNode first = expected.path("logits").path(0).path(0);
    int best =
        IntStream.range(0, VOCAB)
            .reduce((a, b) -> first.path(b).doubleValue() > first.path(a).doubleValue() ? b : a)
            .orElseThrow();
    assertThat(result.out().lines().skip(1).findFirst().orElseThrow())
        .matches(" +0 +37 +%d: .*".formatted(best));
  }

  @ParameterizedTest
  @CsvSource({
    "'1 x 2', \"x\" is not a token id",
    "'1 119', token id 119 is outside the vocabulary; use 0 to 118",
    "'1 -1', token id -1 is outside",
    "' , ', no tokens; give at least one",
  })
  void idsThatAreNoneAreNamed(String ids, String reason) {
    Result result = Result.of("logits", "--model_path", FIXTURE, "--ids", ids, "--json");
    assertThat(result.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(result.err()).hasLineCount(1).contains(reason);
    assertThat(result.out()).isEmpty();
  }

  @Test
  void moreIdsThanTheContextAreRefused() {
    Result result = Result.of("logits", "--model_path", FIXTURE, "--ids", "1 ".repeat(129));
    assertThat(result.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(result.err()).contains("129 tokens do not fit the model's context of 128");
  }
}
