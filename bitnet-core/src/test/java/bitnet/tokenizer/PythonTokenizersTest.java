package bitnet.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Against Hugging Face's own `tokenizers`, where a Python that has it is found.
class PythonTokenizersTest {
  private static final Path SHAKESPEARE = Path.of("../data/shakespeare.txt");
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  private static Path python() {
    String environment = System.getenv("BITNET_ORACLE_PYTHON");
    String python =
        System.getProperty(
            "bitnet.oracle.python",
            environment != null
                ? environment
                : System.getProperty("user.home") + "/.cache/bitnet-oracle/bin/python");
    assumeTrue(
        Files.isExecutable(Path.of(python)),
        ("no Python with torch and transformers at %s; make one as CONTRIBUTING.md says, or"
                + " set BITNET_ORACLE_PYTHON")
            .formatted(python));
    return Path.of(python);
  }

  private JsonNode run(String script, Object... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(python().toString(), "-c", script));
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    Path errors = directory.resolve("stderr");
    Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(Files.readString(errors)).isZero();
    return JSON.readTree(output);
  }

  private static int[] ids(JsonNode node) {
    return IntStream.range(0, node.size()).map(i -> node.get(i).intValue()).toArray();
  }

  private Path texts() throws IOException {
    List<String> texts = new ArrayList<>(Files.readAllLines(SHAKESPEARE).subList(0, 300));
    texts.addAll(List.of("", "a<|endoftext|>b <|pad|>", " naïve  — 👩‍🚀 日本語\n\n\t", "x\0'll"));
    Path file = directory.resolve("texts.json");
    JSON.writeValue(file.toFile(), texts);
    return file;
  }

  private static final String ENCODE =
      """
      import json, sys
      from tokenizers import Tokenizer
      t = Tokenizer.from_file(sys.argv[1])
      ids = [t.encode(s).ids for s in json.load(open(sys.argv[2]))]
      print(json.dumps({"size": t.get_vocab_size(), "ids": ids}))
      """;

  @Test
  void pythonGivesTheBundledTokenizersIds() throws Exception {
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      givesTheSameIds(tokenizer);
    }
  }

  @Test
  void pythonGivesTheByteLevelTokenizersIds() throws Exception {
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      givesTheSameIds(tokenizer);
    }
  }

  private void givesTheSameIds(Tokenizer tokenizer) throws Exception {
    tokenizer.save(directory);
    Path texts = texts();
    JsonNode python = run(ENCODE, directory.resolve("tokenizer.json"), texts);
    assertThat(python.get("size").asInt()).isEqualTo(tokenizer.vocabSize());
    JsonNode list = JSON.readTree(texts.toFile());
    for (int i = 0; i < list.size(); i++) {
      assertThat(tokenizer.encode(list.get(i).asText()))
          .as(list.get(i).asText())
          .isEqualTo(ids(python.get("ids").get(i)));
    }
  }

  @Test
  void pythonsTrainerLearnsTheSameMergesAndTheSameIds() throws Exception {
    String script =
        """
        import json, sys
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
        t = Tokenizer(models.BPE())
        t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        t.train([sys.argv[1]], trainers.BpeTrainer(
            vocab_size=4096, min_frequency=2, show_progress=False,
            special_tokens=["<|endoftext|>", "<|pad|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
        model = json.loads(t.to_str())["model"]
        merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
        tokens = sorted(model["vocab"], key=model["vocab"].get)
        print(json.dumps({"merges": merges, "tokens": tokens}))
        """;
    JsonNode python = run(script, SHAKESPEARE.toAbsolutePath());
    TrainedVocabulary java = new BpeTrainer(4096, 2).train(List.of(SHAKESPEARE));
    assertThat(java.merges()).isEqualTo(JSON.convertValue(python.get("merges"), List.class));
    assertThat(java.tokens()).isEqualTo(JSON.convertValue(python.get("tokens"), List.class));
  }
}
