package bitnet.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.safetensors.SafetensorsFile;
import bitnet.format.safetensors.TensorEntry;
import bitnet.model.Activation;
import bitnet.model.LatentInitializer;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelDirectoryTest {
  private static final LlamaConfig PLAIN = config(false, false, false);
  private static final LatentInitializer INITIALIZER = new LatentInitializer(11, 0.02);

  @TempDir private Path directory;

  @ParameterizedTest
  @CsvSource({
    "false, false, false",
    "true, false, false",
    "false, true, false",
    "true, true, true"
  })
  void blankModelReloadsWithTheTritsAndScalesOfItsLatents(
      boolean subNorms, boolean tied, boolean ternaryEmbeddings) throws IOException {
    LlamaConfig config = config(subNorms, tied, ternaryEmbeddings);

    try (ModelDirectory model = blank(config)) {
      assertThat(model.config()).isEqualTo(config);
      assertThat(model.isBlank()).isTrue();
      for (TensorSpec tensor : config.tensors()) {
        float[] latents = read(INITIALIZER::fill, tensor);
        assertThat(read(model, tensor)).isEqualTo(latents);
        if (model.isTernary(tensor)) {
          assertTernary(model.ternary(tensor), latents);
        } else {
          assertThat(readRows(model, tensor)).isEqualTo(bfloat16(latents));
        }
      }
      model.verify();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void trainedModelReloadsBitForBit(boolean withMaster) throws IOException {
    LatentWeights weights = trained(PLAIN);
    ModelDirectory.write(
        target(), weights, Tokenizer.byteLevel(), withMaster, ModelDirectory.Existing.REFUSE);

    try (ModelDirectory model = ModelDirectory.open(target())) {
      assertThat(model.isBlank()).isFalse();
      assertThat(model.hasLatents()).isEqualTo(withMaster);
      for (TensorSpec tensor : PLAIN.tensors()) {
        float[] latents = read(weights, tensor);
        if (model.isTernary(tensor)) {
          assertTernary(model.ternary(tensor), latents);
        } else {
          assertThat(readRows(model, tensor)).isEqualTo(bfloat16(latents));
          model.unload();
          assertThat(readRows(model, tensor)).isEqualTo(bfloat16(latents));
        }
        if (withMaster) {
          assertThat(read(model, tensor)).isEqualTo(latents);
        } else if (model.isTernary(tensor)) {
          assertQuantizesTo(model.ternary(tensor), read(model, tensor));
        } else {
          assertThat(read(model, tensor)).isEqualTo(bfloat16(latents));
        }
      }
    }
  }

  @Test
  void everyParameterHasItsShapeBesideItAndTheIndexNamesEverything() throws IOException {
    blank(PLAIN).close();
    Set<String> names = new HashSet<>();
    long nominal = 0;
    try (SafetensorsFile file = SafetensorsFile.open(target().resolve("model.safetensors"))) {
      for (TensorSpec tensor : PLAIN.tensors()) {
        String name =
            tensor.name().equals("lm_head.weight") ? "model.lm_head.weight" : tensor.name();
        boolean ternary = name.contains("_proj");
        TensorEntry shape = file.require(name + ".shape");
        assertThat(shape.dtype()).isEqualTo(DType.I32);
        assertThat(file.data(shape).toArray(ValueLayout.JAVA_INT_UNALIGNED))
            .containsExactly(Arrays.stream(tensor.shape()).mapToInt(Math::toIntExact).toArray());
        assertThat(file.require(name).dtype()).isEqualTo(ternary ? DType.U8 : DType.BF16);
        names.addAll(List.of(name, name + ".shape"));
        nominal += 4L * tensor.shape().length;
        nominal += ternary ? 4 + (long) Math.ceil(tensor.count() * 1.58 / 8) : 2 * tensor.count();
        if (ternary) {
          assertThat(file.require(name + "_scale").hasShape(1)).isTrue();
          names.add(name + "_scale");
        }
      }
      assertThat(file.entries()).extracting(TensorEntry::name).containsAll(names);
      assertThat(file.entries()).hasSameSizeAs(names);
    }
    JsonNode index = json("model.safetensors.index.json");
    assertThat(index.at("/metadata/total_size").longValue()).isEqualTo(nominal);
    assertThat(index.get("weight_map").properties())
        .allSatisfy(entry -> assertThat(entry.getValue().asText()).isEqualTo("model.safetensors"))
        .extracting(Map.Entry::getKey)
        .containsExactlyInAnyOrderElementsOf(names);
    assertThat(json("generation_config.json").get("max_length").intValue()).isEqualTo(64);
    assertThat(json("config.json").at("/bitnet/seed").longValue()).isEqualTo(11);
    assertThat(target().resolve("tokenizer.json")).exists();
    assertThat(target().resolve("tokenizer_config.json")).exists();
  }

  @Test
  void weightThatIsNotFiniteIsNamedAndNothingIsWritten() {
    TensorSpec broken = PLAIN.tensors().get(4);
    LatentWeights weights =
        new LatentWeights() {
          @Override
          public LlamaConfig config() {
            return PLAIN;
          }

          @Override
          public void read(TensorSpec tensor, MemorySegment values) throws IOException {
            trained(PLAIN).read(tensor, values);
            if (tensor.equals(broken)) {
              values.setAtIndex(ValueLayout.JAVA_FLOAT, 3, Float.NaN);
            }
          }
        };

    assertThatThrownBy(
            () ->
                ModelDirectory.write(
                    target(), weights, Tokenizer.byteLevel(), true, ModelDirectory.Existing.REFUSE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(broken.name())
        .hasMessageContaining("not finite");
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void processKilledInTheMiddleLeavesNothingAtTheTarget() throws Exception {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(KilledWriter.class.getName(), target().toString()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();

    String output = new String(process.getInputStream().readAllBytes(), UTF_8);

    assertThat(process.waitFor()).as(output).isEqualTo(9);
    assertThat(target()).doesNotExist();
    assertThat(names(directory)).containsExactlyInAnyOrder("model.part", "model.lock");
    blank(PLAIN).close();
    assertThat(names(directory)).containsExactly("model");
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  /// A directory that is somebody else's is not taken for what a killed process left.
  @Test
  void aDirectoryInTheWayIsLeftAlone() throws IOException {
    Path mine = Files.createDirectory(directory.resolve("model.part"));
    Files.writeString(mine.resolve("notes.txt"), "mine");

    assertThatThrownBy(() -> blank(PLAIN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(mine + " is needed for the unfinished model")
        .hasMessageEndingWith("move it elsewhere");
    assertThat(mine.resolve("notes.txt")).hasContent("mine");
    assertThat(names(directory)).containsExactly("model.part");
  }

  /// Writes a model and dies after its first layer.
  static final class KilledWriter {
    private KilledWriter() {}

    public static void main(String[] args) throws IOException {
      ModelDirectory.writeBlank(
          Path.of(args[0]),
          PLAIN,
          INITIALIZER,
          Tokenizer.byteLevel(),
          ModelDirectory.Existing.REFUSE,
          parameters -> {
            if (parameters > PLAIN.parameterCount() / 2) {
              Runtime.getRuntime().halt(9);
            }
          });
    }
  }

  @Test
  void modelThatIsThereIsReplacedOnlyWhenAskedTo() throws IOException {
    blank(PLAIN).close();

    assertThatThrownBy(() -> blank(PLAIN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(target() + " already holds a model");
    LlamaConfig other = config(true, true, false);
    write(other, ModelDirectory.Existing.REPLACE);

    try (ModelDirectory model = ModelDirectory.open(target())) {
      assertThat(model.config()).isEqualTo(other);
    }
    assertThat(directory.toFile().list()).containsExactly("model");
  }

  @Test
  void directoryWithOtherFilesIsNeverReplaced() throws IOException {
    blank(PLAIN).close();
    Path notes = Files.writeString(target().resolve("notes.txt"), "mine");

    assertThatThrownBy(() -> write(PLAIN, ModelDirectory.Existing.REPLACE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("notes.txt is not part of the model");
    assertThat(notes).exists();
    Files.delete(target().resolve("manifest.json"));
    assertThatThrownBy(() -> write(PLAIN, ModelDirectory.Existing.REPLACE))
        .hasMessageContaining("is not a model directory");
  }

  @Test
  void emptyDirectoryIsFilled() throws IOException {
    Files.createDirectory(target());

    blank(PLAIN).close();

    assertThat(target().resolve("manifest.json")).exists();
  }

  @Test
  void modelLargerThanTheDiskIsRefusedBeforeAnythingIsWritten() {
    LlamaConfig huge =
        new LlamaConfig(
            256,
            1 << 20,
            100,
            64,
            new LlamaConfig.Heads(1 << 13, 8, 128, 1e4),
            new LlamaConfig.FeedForward(1 << 22, Activation.SILU),
            LlamaConfig.Norms.LLAMA,
            LlamaConfig.Weights.SEPARATE);

    assertThatThrownBy(() -> blank(huge))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("needs")
        .hasMessageContaining("MB left");
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void tokenizerWithMoreTokensThanTheModelIsRefused() {
    LlamaConfig small =
        LlamaConfig.of(255, 32, 36, 1, 2).withKeyValueHeads(1).withContextLength(64);

    assertThatThrownBy(() -> blank(small))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("256 tokens but vocab_size is 255");
  }

  private static void assertTernary(TernaryTensor ternary, float[] latents) {
    TensorSpec spec = ternary.spec();
    byte[] trits = new byte[Math.toIntExact(spec.count())];
    ternary.unpack(0, spec.rows(), trits);
    boolean perRow = spec.kind() == TensorSpec.Kind.EMBEDDING;
    int group = perRow ? spec.columns() : latents.length;
    for (int start = 0; start < latents.length; start += group) {
      double sum = 0;
      for (int i = start; i < start + group; i++) {
        sum += Math.abs(latents[i]);
      }
      float scale = (float) Math.max(sum / group, 1e-5);
      assertThat(ternary.scale(start / spec.columns())).isEqualTo(scale);
      for (int i = start; i < start + group; i++) {
        int expected = (int) Math.clamp(Math.rint(latents[i] / scale), -1.0, 1.0);
        assertThat((int) trits[i]).isEqualTo(expected);
      }
    }
  }

  /// The scale is one of absmean, so it comes back up to a rounding; the trits come back exactly.
  private static void assertQuantizesTo(TernaryTensor ternary, float[] latents) {
    byte[] trits = new byte[Math.toIntExact(ternary.spec().count())];
    ternary.unpack(0, ternary.spec().rows(), trits);
    double sum = 0;
    for (float latent : latents) {
      sum += Math.abs(latent);
    }
    float scale = (float) (sum / latents.length);
    assertThat(scale).isCloseTo(ternary.scale(0), withinPercentage(1e-4));
    for (int i = 0; i < latents.length; i++) {
      int trit = (int) Math.clamp(Math.rint(latents[i] / scale), -1.0, 1.0);
      assertThat(trit).isEqualTo(trits[i]);
    }
  }

  /// Half to even by exact arithmetic on doubles.
  private static float[] bfloat16(float[] values) {
    float[] rounded = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      double unit = Math.ulp(values[i]) * 65536.0;
      rounded[i] = (float) (Math.rint(values[i] / unit) * unit);
    }
    return rounded;
  }

  private interface Source {
    void read(TensorSpec tensor, long first, MemorySegment target) throws IOException;
  }

  private static float[] read(Source source, TensorSpec tensor) throws IOException {
    float[] values = new float[Math.toIntExact(tensor.count())];
    source.read(tensor, 0, MemorySegment.ofArray(values));
    return values;
  }

  private static float[] read(LatentWeights weights, TensorSpec tensor) throws IOException {
    return read((spec, first, values) -> weights.read(spec, values), tensor);
  }

  private static float[] readRows(ModelDirectory model, TensorSpec tensor) throws IOException {
    int rows = tensor.isMatrix() ? tensor.rows() : 1;
    return read((spec, first, values) -> model.readRows(spec, 0, rows, values), tensor);
  }

  private static LatentWeights trained(LlamaConfig config) {
    return new LatentWeights() {
      @Override
      public LlamaConfig config() {
        return config;
      }

      @Override
      public void read(TensorSpec tensor, MemorySegment target) {
        Random random = new Random(tensor.name().length());
        for (long i = 0; i < tensor.count(); i++) {
          double magnitude = Math.pow(10, -random.nextInt(6));
          float value = (float) (random.nextGaussian() * magnitude);
          target.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, value);
        }
      }
    };
  }

  private Path target() {
    return directory.resolve("model");
  }

  private ModelDirectory blank(LlamaConfig config) throws IOException {
    write(config, ModelDirectory.Existing.REFUSE);
    return ModelDirectory.open(target());
  }

  private void write(LlamaConfig config, ModelDirectory.Existing existing) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      ModelDirectory.writeBlank(
          target(), config, INITIALIZER, tokenizer, existing, parameters -> {});
    }
  }

  private JsonNode json(String name) throws IOException {
    return new ObjectMapper().readTree(target().resolve(name).toFile());
  }

  private static LlamaConfig config(boolean subNorms, boolean tied, boolean ternaryEmbeddings) {
    Activation activation = subNorms ? Activation.RELU_SQUARED : Activation.SILU;
    return LlamaConfig.of(256, 32, 36, 2, 2)
        .withKeyValueHeads(1)
        .withContextLength(64)
        .withActivation(activation)
        .withSubNorms(subNorms)
        .withTiedHead(tied)
        .withTernaryEmbeddings(ternaryEmbeddings);
  }
}
