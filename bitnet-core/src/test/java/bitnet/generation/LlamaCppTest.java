package bitnet.generation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.GgufAdapter;
import bitnet.checkpoint.GgufModel;
import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelFormat;
import bitnet.checkpoint.ModelSource;
import bitnet.data.TokenStream;
import bitnet.data.WindowSampling;
import bitnet.graph.ComputeType;
import bitnet.graph.GraphLanguageModel;
import bitnet.graph.LlamaModel;
import bitnet.graph.TorchOps;
import bitnet.metrics.TrainingReport;
import bitnet.model.Activation;
import bitnet.model.AdapterWeights;
import bitnet.model.AttentionVariant;
import bitnet.model.BlankWeights;
import bitnet.model.ComputeSettings;
import bitnet.model.LanguageModel;
import bitnet.model.LatentInitializer;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.model.LoraTarget;
import bitnet.model.RandomAdapter;
import bitnet.model.RopeScaling;
import bitnet.model.TensorSpec;
import bitnet.quantization.TernaryRows;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.CheckpointSettings;
import bitnet.training.CrossEntropyTrainer;
import bitnet.training.LearningRateDecay;
import bitnet.training.LearningRateSchedule;
import bitnet.training.OptimizerSettings;
import bitnet.training.TrainingListener;
import bitnet.training.TrainingSettings;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// llama.cpp runs what was trained here, where a directory with node-llama-cpp is
/// (`BITNET_LLAMA_CPP`, default `~/.cache/bitnet-llama-cpp`).
///
/// llama.cpp does not quantize activations to 8 bits a token as training does: not at all for F16
/// weights, by blocks of 256 for TQ ones. So the strict comparison is with this toolkit's graph on
/// the same ternary weights without quantization of activations; the agreement with the model as
/// it was trained is measured.
@Timeout(300)
class LlamaCppTest {
  private static final Path LLAMA_CPP =
      Path.of(
          Optional.ofNullable(System.getenv("BITNET_LLAMA_CPP"))
              .orElse(System.getProperty("user.home") + "/.cache/bitnet-llama-cpp"));
  private static final Path SHAKESPEARE = Path.of("../data/shakespeare.txt");
  private static final Path MISTRAL = Path.of("../../shared/data/tokenizer-mistral-v1.json");
  private static final int NEW_TOKENS = 32;

  @TempDir private Path directory;

  @BeforeEach
  void requireLlamaCpp() {
    assumeTrue(
        Files.isDirectory(LLAMA_CPP.resolve("node_modules/node-llama-cpp")),
        "no llama.cpp; npm install --prefix %s node-llama-cpp, or set BITNET_LLAMA_CPP"
            .formatted(LLAMA_CPP));
  }

  private static LlamaConfig config(boolean subNorms, Activation activation) {
    return LlamaConfig.of(256, 256, 512, 2, 4)
        .withKeyValueHeads(2)
        .withContextLength(256)
        .withActivation(activation)
        .withSubNorms(subNorms)
        .withTiedHead(subNorms);
  }

  /// A text short enough to be learned by heart, so that one token is far ahead of the others.
  private static int[] text() throws IOException {
    byte[] bytes = Files.readString(SHAKESPEARE).substring(0, 120).getBytes(UTF_8);
    int[] tokens = new int[bytes.length * 20];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = Byte.toUnsignedInt(bytes[i % bytes.length]);
    }
    return tokens;
  }

  private Path train(LlamaConfig config) throws IOException {
    TrainingSettings settings =
        TrainingSettings.defaults(100)
            .withBatches(new TrainingSettings.Batches(4, 96, 1, WindowSampling.RANDOM, 7))
            .withOptimizer(
                new OptimizerSettings(
                    new LearningRateSchedule(LearningRateDecay.of("two-stage"), 4e-3, 0.1, 5, 100),
                    1))
            .withEvaluation(new TrainingSettings.Evaluation(0, 0))
            .withCheckpoints(new CheckpointSettings(0, 1));
    Path target = directory.resolve("trained");
    TorchOps.prepareThread(2);
    try (NDManager manager = NDManager.newBaseManager();
        LlamaModel model =
            LlamaModel.load(
                new BlankWeights(config, new LatentInitializer(3, 0.02)),
                manager,
                ComputeType.FP32);
        CrossEntropyTrainer trainer =
            new CrossEntropyTrainer(
                model,
                settings,
                TokenStream.of(text()),
                null,
                directory.resolve("checkpoints"),
                OptionalDouble.empty());
        Tokenizer tokenizer = Tokenizer.byteLevel()) {
      assertThat(trainer.run(new Silence())).isTrue();
      ModelDirectory.write(target, model, tokenizer, false, ModelDirectory.Existing.REFUSE);
    }
    return target;
  }

  private static final class Silence implements TrainingListener {
    @Override
    public void started(TrainingReport report) {}

    @Override
    public void stepped(TrainingReport report) {}

    @Override
    public void skipped(long step, String reason) {}

    @Override
    public void saved(Path checkpoint) {}
  }

  private Path export(Path model, ModelFormat format) throws IOException {
    Path file = directory.resolve(format.key() + ".gguf");
    try (ModelSource source = ModelSource.open(model)) {
      format.write(file, source, ModelDirectory.Existing.REFUSE, parameters -> {});
    }
    return file;
  }

  private List<Integer> llamaCpp(Path file, int... prompt) throws Exception {
    return llamaCpp(file, "", prompt);
  }

  /// @param adapter a file, or empty
  private List<Integer> llamaCpp(Path file, String adapter, int... prompt) throws Exception {
    String script =
        """
        const {getLlama, LlamaLogLevel} = await import(
            process.cwd() + "/node_modules/node-llama-cpp/dist/index.js");
        const [path, lora, count, ...ids] = process.argv.slice(2);
        const llama = await getLlama(
            {gpu: false, build: "never", logLevel: LlamaLogLevel.error, maxThreads: 2});
        const model = await llama.loadModel({modelPath: path});
        const context = await model.createContext(
            {contextSize: 1024, batchSize: 512, threads: 2, lora: lora || undefined});
        const found = [];
        for await (const id of context.getSequence().evaluate(
            ids.map(Number), {temperature: 0, yieldEogToken: true})) {
          found.push(id);
          if (found.length >= Number(count)) break;
        }
        console.log(found.join(" "));
        process.exit(0);
        """;
    Path greedy = Files.writeString(directory.resolve("greedy.mjs"), script);
    List<String> args =
        new ArrayList<>(
            List.of(greedy.toString(), file.toString(), adapter, String.valueOf(NEW_TOKENS)));
    Arrays.stream(prompt).mapToObj(String::valueOf).forEach(args::add);
    String output = node(args.toArray(String[]::new));
    return Stream.of(output.strip().split(" ", -1)).map(Integer::valueOf).toList();
  }

  private String node(String... args) throws Exception {
    List<String> command = new ArrayList<>(List.of("node"));
    command.addAll(List.of(args));
    Path errors = directory.resolve("errors.txt");
    Process process =
        new ProcessBuilder(command)
            .directory(LLAMA_CPP.toFile())
            .redirectError(errors.toFile())
            .start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(Files.readString(errors)).isZero();
    return output;
  }

  private static List<Integer> greedy(LanguageModel model, int... prompt) {
    List<Integer> tokens = new ArrayList<>();
    try (LanguageModel.Session session = model.begin(prompt.length + NEW_TOKENS)) {
      float[] logits = session.advance(prompt);
      while (tokens.size() < NEW_TOKENS) {
        int best = 0;
        for (int token = 1; token < logits.length; token++) {
          best = logits[token] > logits[best] ? token : best;
        }
        tokens.add(best);
        logits = session.advance(best);
      }
    }
    return tokens;
  }

  /// Weights that are scale times trit, and the product of an adapter's factors added to them.
  private record Products(GgufModel model, Activation activation, Optional<AdapterWeights> adapter)
      implements LatentWeights {
    @Override
    public LlamaConfig config() {
      return model.config().withActivation(activation);
    }

    @Override
    public void read(TensorSpec tensor, MemorySegment target) throws IOException {
      if (tensor.kind() != TensorSpec.Kind.TERNARY) {
        model.read(tensor, target);
        return;
      }
      TernaryRows rows = model.ternary(tensor);
      byte[] trits = new byte[rows.columns()];
      for (int row = 0; row < rows.rows(); row++) {
        rows.unpack(row, 1, trits);
        for (int column = 0; column < trits.length; column++) {
          long at = (long) row * trits.length + column;
          target.setAtIndex(ValueLayout.JAVA_FLOAT, at, rows.scale(row) * trits[column]);
        }
      }
      if (adapter.isPresent() && adapter.get().settings().adapts(tensor)) {
        addProduct(tensor, adapter.get().settings(), target);
      }
    }

    private static void addProduct(TensorSpec linear, LoraSettings lora, MemorySegment target) {
      float[] down = RandomAdapter.valuesOf(lora.down(linear));
      float[] up = RandomAdapter.valuesOf(lora.up(linear));
      for (int row = 0; row < linear.rows(); row++) {
        for (int column = 0; column < linear.columns(); column++) {
          double sum = 0;
          for (int i = 0; i < lora.rank(); i++) {
            sum += up[row * lora.rank() + i] * down[i * linear.columns() + column];
          }
          long at = (long) row * linear.columns() + column;
          float weight = target.getAtIndex(ValueLayout.JAVA_FLOAT, at);
          target.setAtIndex(ValueLayout.JAVA_FLOAT, at, (float) (weight + lora.scaling() * sum));
        }
      }
    }
  }

  private static List<Integer> withoutActivationQuantization(
      Path file, Activation activation, int... prompt) throws IOException {
    return withoutActivationQuantization(file, activation, Optional.empty(), prompt);
  }

  private static List<Integer> withoutActivationQuantization(
      Path file, Activation activation, Optional<AdapterWeights> adapter, int... prompt)
      throws IOException {
    TorchOps.prepareThread(2);
    try (NDManager manager = NDManager.newBaseManager();
        GgufModel stored = GgufModel.open(file);
        LlamaModel model =
            LlamaModel.load(new Products(stored, activation, adapter), manager, ComputeType.FP32)) {
      model.ternarize(0);
      return greedy(GraphLanguageModel.of(model), prompt);
    }
  }

  private static List<Integer> asTrained(Path path, int... prompt) throws IOException {
    try (ModelSource source = ModelSource.open(path);
        GraphLanguageModel model =
            GraphLanguageModel.load(source.weights(), new ComputeSettings("cpu", 2))) {
      return greedy(model, prompt);
    }
  }

  private static String agreement(List<Integer> found, List<Integer> wanted) {
    long same =
        IntStream.range(0, NEW_TOKENS).filter(i -> found.get(i).equals(wanted.get(i))).count();
    return "%d of %d tokens".formatted(same, NEW_TOKENS);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void llamaCppGeneratesTheSameTokensFromAnF16Export(boolean subNorms, TestReporter reporter)
      throws Exception {
    Path model = train(config(subNorms, Activation.SILU));
    int[] prompt = Arrays.copyOfRange(text(), 20, 40);

    Path f16 = export(model, ModelFormat.GGUF_F16);
    List<Integer> found = llamaCpp(f16, prompt);
    List<Integer> trained = asTrained(model, prompt);
    reporter.publishEntry("F16, activations in 8 bits", agreement(found, trained));
    assertThat(found).isEqualTo(withoutActivationQuantization(f16, Activation.SILU, prompt));
    for (ModelFormat format : List.of(ModelFormat.GGUF_TQ2_0, ModelFormat.GGUF_TQ1_0)) {
      List<Integer> quantized = llamaCpp(export(model, format), prompt);
      reporter.publishEntry(format.key(), agreement(quantized, trained));
    }
    assertThat(asTrained(f16, prompt)).isEqualTo(trained);
  }

  /// Names, order of rows and scaling of a LoRA adapter, stabilized for its rank or not.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void llamaCppAppliesAnAdapter(boolean rankStabilized) throws Exception {
    LlamaConfig config = config(rankStabilized, Activation.SILU);
    Path f16 = export(train(config), ModelFormat.GGUF_F16);
    LoraSettings settings =
        new LoraSettings(4, 30, EnumSet.allOf(LoraTarget.class), 0, rankStabilized, false);
    AdapterWeights adapter = new RandomAdapter(settings, "");
    Path file = directory.resolve("adapter.gguf");
    GgufAdapter.write(file, adapter, config, ModelDirectory.Existing.REFUSE);
    int[] prompt = Arrays.copyOfRange(text(), 20, 40);

    List<Integer> found = llamaCpp(f16, file.toString(), prompt);

    assertThat(found)
        .isEqualTo(
            withoutActivationQuantization(f16, Activation.SILU, Optional.of(adapter), prompt))
        .isNotEqualTo(llamaCpp(f16, prompt));
  }

  static Stream<AttentionVariant> attentions() {
    return Stream.of(
        new AttentionVariant(new RopeScaling.None(), false, true, false),
        new AttentionVariant(new RopeScaling.Yarn(2, 100, 20, 2, true, 1.3), true, false, false),
        new AttentionVariant(new RopeScaling.Llama3(8, 1, 4, 64), false, true, true),
        new AttentionVariant(new RopeScaling.Linear(2), true, false, false));
  }

  /// Qwen 2, Qwen 3 and scaled frequencies: names, order of rows, biases and keys as llama.cpp
  /// reads them.
  @ParameterizedTest
  @MethodSource("attentions")
  void llamaCppGeneratesTheSameTokensFromAnF16ExportOfOtherFamilies(AttentionVariant attention)
      throws Exception {
    Path model = train(config(false, Activation.SILU).withAttention(attention));
    int[] prompt = Arrays.copyOfRange(text(), 20, 40);
    Path f16 = export(model, ModelFormat.GGUF_F16);
    assertThat(llamaCpp(f16, prompt))
        .isEqualTo(withoutActivationQuantization(f16, Activation.SILU, prompt));
    assertThat(asTrained(f16, prompt)).isEqualTo(asTrained(model, prompt));
  }

  /// llama.cpp's bitnet has relu2 in its newest versions only; before, it computes SiLU instead.
  @Test
  void aModelWithSquaredReluDiffersByTheActivationAtMost(TestReporter reporter) throws Exception {
    Path model = train(config(true, Activation.RELU_SQUARED));
    int[] prompt = Arrays.copyOfRange(text(), 20, 40);

    Path f16 = export(model, ModelFormat.GGUF_F16);
    List<Integer> found = llamaCpp(f16, prompt);
    List<Integer> squared = withoutActivationQuantization(f16, Activation.RELU_SQUARED, prompt);
    reporter.publishEntry("this llama.cpp has relu2", String.valueOf(found.equals(squared)));
    assertThat(found).isIn(squared, withoutActivationQuantization(f16, Activation.SILU, prompt));
  }

  @ParameterizedTest
  @ValueSource(strings = {"bundled", "mistral"})
  void llamaCppFindsTheTokensThatWeFind(String name) throws Exception {
    assumeTrue(
        name.equals("bundled") || Files.exists(MISTRAL),
        "no Mistral tokenizer; save Mistral 7B v0.1's tokenizer.json as "
            + MISTRAL.toAbsolutePath().normalize());
    List<String> texts =
        List.of(
            "Hello, world!",
            "  two  spaces and\ttabs\n\n\nlines  ",
            "numbers 1 12 123 1234 12345.678 and 'll don't I'VE",
            "Grüße, мир, 世界",
            "for (int i = 0; i < 10; i++) { sum += x[i]; }");
    try (Tokenizer tokenizer =
        name.equals("bundled") ? Tokenizer.bundled() : Tokenizer.load(MISTRAL)) {
      Path model = directory.resolve(name);
      ModelDirectory.writeBlank(
          model,
          narrow(tokenizer.vocabSize() + 3),
          new LatentInitializer(1, 0.02),
          tokenizer,
          ModelDirectory.Existing.REFUSE,
          parameters -> {});
      List<List<Integer>> expected =
          texts.stream()
              .map(text -> Arrays.stream(tokenizer.encode(text)).boxed().toList())
              .toList();
      assertThat(llamaCppTokens(export(model, ModelFormat.GGUF_F16), texts)).isEqualTo(expected);
    }
  }

  private static LlamaConfig narrow(int vocab) {
    return LlamaConfig.of(vocab, 32, 32, 1, 1).withContextLength(64).withTiedHead(true);
  }

  private List<List<Integer>> llamaCppTokens(Path file, List<String> texts) throws Exception {
    Path input = directory.resolve("texts.json");
    new ObjectMapper().writeValue(input.toFile(), texts);
    String script =
        """
        import {readFileSync} from "node:fs";
        const {getLlama, LlamaLogLevel} = await import(
            process.cwd() + "/node_modules/node-llama-cpp/dist/index.js");
        const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error});
        const model = await llama.loadModel({modelPath: process.argv[2], vocabOnly: true});
        const texts = JSON.parse(readFileSync(process.argv[3], "utf8"));
        console.log(JSON.stringify(texts.map(text => Array.from(model.tokenize(text)))));
        process.exit(0);
        """;
    Path tokens = Files.writeString(directory.resolve("tokens.mjs"), script);
    String output = node(tokens.toString(), file.toString(), input.toString());
    return new ObjectMapper().readValue(output, new TypeReference<List<List<Integer>>>() {});
  }
}
