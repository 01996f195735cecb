package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import bitnet.model.AttentionVariant;
import bitnet.model.LatentInitializer;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.RopeScaling;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import bitnet.quantization.TernaryRows;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Models of every family from this toolkit's form to every other and back.
class FamilyConversionTest {
  private static final RopeScaling PLAIN = new RopeScaling.None();
  private static final RopeScaling LLAMA3 = new RopeScaling.Llama3(8, 1, 4, 32);
  private static final RopeScaling YARN =
      new RopeScaling.Yarn(4, 16, 32, 1, true, RopeScaling.Yarn.attentionFactor(4, 1));

  @TempDir private Path directory;

  private static AttentionVariant attention(
      RopeScaling scaling, boolean norms, boolean inputBiases, boolean outputBias) {
    return new AttentionVariant(scaling, norms, inputBiases, outputBias);
  }

  static Stream<Arguments> families() {
    return Stream.of(
        arguments("llama with biases, llama3", attention(LLAMA3, false, true, true)),
        arguments("qwen2", attention(PLAIN, false, true, false)),
        arguments("qwen2, linear", attention(new RopeScaling.Linear(2), false, true, false)),
        arguments("qwen3", attention(PLAIN, true, false, false)),
        arguments("qwen3, yarn", attention(YARN, true, false, false)),
        arguments(
            "qwen3, yarn with its own numbers",
            attention(new RopeScaling.Yarn(2.5, 20, 16, 2, true, 1.25), true, false, false)));
  }

  private static LlamaConfig config(AttentionVariant attention) {
    return LlamaConfig.of(256, 256, 512, 2, 4)
        .withKeyValueHeads(2)
        .withContextLength(64)
        .withAttention(attention);
  }

  /// Blank weights whose vectors are not all the same.
  private record Varied(LlamaConfig config) implements LatentWeights {
    @Override
    public void read(TensorSpec tensor, MemorySegment target) {
      new LatentInitializer(3, 0.02).fill(tensor, 0, target);
      for (int i = 0; !tensor.isMatrix() && i < tensor.rows(); i++) {
        float value = 0.25f + (i * 5 + tensor.name().length()) % 32 / 32f;
        target.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, value);
      }
    }
  }

  private Path nativeModel(LlamaConfig config) throws IOException {
    Path target = directory.resolve("native");
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      ModelDirectory.write(
          target, new Varied(config), tokenizer, false, ModelDirectory.Existing.REFUSE);
    }
    return target;
  }

  private static void convert(Path from, Path to, ModelFormat format) throws IOException {
    try (ModelSource source = ModelSource.open(from)) {
      format.write(to, source, ModelDirectory.Existing.REFUSE, parameters -> {});
    }
  }

  private static byte[] trits(TernaryRows rows) {
    byte[] trits = new byte[rows.rows() * rows.columns()];
    rows.unpack(0, rows.rows(), trits);
    return trits;
  }

  private static float[] vector(TernaryWeights weights, TensorSpec tensor) throws IOException {
    float[] floats = new float[tensor.rows()];
    weights.readRows(tensor, 0, 1, MemorySegment.ofArray(floats));
    return floats;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("families")
  void everyFormKeepsEveryPieceOfAFamily(String name, AttentionVariant attention)
      throws IOException {
    LlamaConfig config = config(attention);
    Path first = nativeModel(config);
    for (ModelFormat format : ModelFormat.values()) {
      boolean impossible =
          format == ModelFormat.NATIVE
              || format.needsGroupScales()
              || (format == ModelFormat.GGUF_I2_S && attention.queryKeyNorms());
      if (impossible) {
        continue;
      }
      Path other = directory.resolve(format.key());
      Path again = directory.resolve(format.key() + "-again");
      convert(first, other, format);
      convert(other, again, ModelFormat.NATIVE);
      try (ModelDirectory wanted = ModelDirectory.open(first);
          ModelSource stored = ModelSource.open(other);
          ModelDirectory found = ModelDirectory.open(again)) {
        assertSame(stored.weights().config(), config);
        assertSame(found.config(), config);
        assertThat(stored.isFullPrecision()).as(format.key()).isFalse();
        for (TensorSpec tensor : config.tensors()) {
          if (tensor.kind() == TensorSpec.Kind.TERNARY) {
            byte[] trits = trits(wanted.ternary(tensor));
            assertThat(trits(stored.ternary().ternary(tensor))).isEqualTo(trits);
            assertThat(trits(found.ternary(tensor))).isEqualTo(trits);
          } else if (!tensor.isMatrix()) {
            float[] values = vector(wanted, tensor);
            String place = format.key() + " " + tensor.name();
            // biases in hf-autobitlinear are quotients of floats
            assertThat(vector(stored.ternary(), tensor))
                .as(place)
                .usingComparatorWithPrecision(1e-6f)
                .containsExactly(values);
            assertThat(vector(found, tensor)).as(place).isEqualTo(values);
          }
        }
      }
    }
  }

  /// The attention factor of a GGUF file is a quotient of floats.
  private static void assertSame(LlamaConfig found, LlamaConfig wanted) {
    RopeScaling scaling = found.heads().variant().scaling();
    RopeScaling expected = wanted.heads().variant().scaling();
    assertThat(found.withAttention(wanted.heads().variant())).isEqualTo(wanted);
    assertThat(scaling.attentionFactor()).isCloseTo(expected.attentionFactor(), within(1e-6));
    for (int plane = 0; plane < wanted.headDim() / 2; plane++) {
      double frequency = Math.pow(wanted.ropeTheta(), -2.0 * plane / wanted.headDim());
      double stretched = expected.stretch(frequency, plane, wanted.heads());
      assertThat(scaling.stretch(frequency, plane, found.heads()))
          .isCloseTo(stretched, within(1e-6 * stretched));
    }
    assertThat(scaling.key()).isEqualTo(expected.key());
    AttentionVariant variant = found.heads().variant();
    assertThat(
            attention(
                expected, variant.queryKeyNorms(), variant.inputBiases(), variant.outputBias()))
        .isEqualTo(wanted.heads().variant());
  }

  @Test
  void normsOfQueriesAndKeysWithBiasesOfTheInputsOnlyAreNoFamily() {
    AttentionVariant attention = attention(PLAIN, true, true, false);
    assertThatThrownBy(() -> config(attention))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no model family has q_norm and k_norm with biases of q, k and v;");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "llama3 | true | false | GGUF_F16 | rope scaling llama3 has no GGUF form in the"
            + " architecture qwen3",
        "open | true | false | GGUF_TQ2_0 | rope scaling yarn with truncate false has no GGUF form",
        "plain | true | true | GGUF_F16 | llama.cpp's architecture qwen3 has no biases",
        "plain | true | false | GGUF_I2_S | has no architecture qwen3",
      })
  void whatGgufCannotHoldIsRefusedByName(
      String scaling, boolean norms, boolean biases, ModelFormat format, String message)
      throws IOException {
    RopeScaling rope =
        switch (scaling) {
          case "llama3" -> LLAMA3;
          case "open" -> new RopeScaling.Yarn(4, 16, 32, 1, false, 1.1);
          default -> PLAIN;
        };
    Path source = nativeModel(config(attention(rope, norms, biases, biases)));
    Path target = directory.resolve("target.gguf");
    assertThatThrownBy(() -> convert(source, target, format))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
    assertThat(target).doesNotExist();
    assertThat(Arrays.asList(directory.toFile().list())).containsExactly("native");
  }

  @ParameterizedTest
  @CsvSource({"8, 8192, 128, 500000", "32, 8192, 64, 500000", "8, 24, 32, 10000", "4, 7, 4, 1e6"})
  void theOriginalContextIsFoundFromTheDivisors(
      double factor, int context, int headDim, double theta) throws IOException {
    RopeScaling scaling = new RopeScaling.Llama3(factor, 1, 4, context);
    LlamaConfig base = config(attention(scaling, false, false, false));
    LlamaConfig config =
        new LlamaConfig(
            base.vocabSize(),
            base.hiddenSize(),
            base.layerCount(),
            base.contextLength(),
            new LlamaConfig.Heads(2, 1, headDim, theta, base.heads().variant()),
            base.feedForward(),
            base.norms(),
            base.weights());
    Path file = directory.resolve("model.gguf");
    convert(nativeModel(config), file, ModelFormat.GGUF_F16);
    try (GgufModel found = GgufModel.open(file)) {
      assertSame(found.config(), config);
    }
  }
}
