package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.format.gguf.GgufFile;
import bitnet.model.Activation;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import bitnet.quantization.TernaryRows;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class GgufModelTest {
  private static final LlamaConfig LLAMA = config(256, 512, Activation.SILU, false, false);
  private static final LlamaConfig BITNET = config(256, 512, Activation.RELU_SQUARED, true, true);

  @TempDir private Path directory;

  private static LlamaConfig config(
      int hidden, int intermediate, Activation activation, boolean subNorms, boolean tied) {
    return new LlamaConfig(
        4100,
        hidden,
        2,
        64,
        new LlamaConfig.Heads(4, 2, hidden / 4, 500_000),
        new LlamaConfig.FeedForward(intermediate, activation),
        new LlamaConfig.Norms(1e-5, subNorms, OptionalDouble.empty()),
        new LlamaConfig.Weights(tied, false));
  }

  private Path nativeModel(LlamaConfig config) throws IOException {
    Path target = directory.resolve("native");
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      ModelDirectory.writeBlank(
          target,
          config,
          new LatentInitializer(3, 0.02),
          tokenizer,
          ModelDirectory.Existing.REFUSE,
          parameters -> {});
    }
    return target;
  }

  private static List<String> convert(Path from, Path to, ModelFormat format) throws IOException {
    try (ModelSource source = ModelSource.open(from)) {
      return format.write(to, source, ModelDirectory.Existing.REFUSE, parameters -> {});
    }
  }

  private static byte[] trits(TernaryRows rows) {
    byte[] trits = new byte[rows.rows() * rows.columns()];
    rows.unpack(0, rows.rows(), trits);
    return trits;
  }

  private static float[] floats(TernaryWeights weights, TensorSpec tensor) throws IOException {
    float[] floats = new float[(int) tensor.count()];
    int rows = tensor.isMatrix() ? tensor.rows() : 1;
    weights.readRows(tensor, 0, rows, MemorySegment.ofArray(floats));
    return floats;
  }

  private static float toHalf(float value) {
    return Float.float16ToFloat(Float.floatToFloat16(value));
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.MATCH_ALL, names = "GGUF_(F16|TQ.*|I2_S)")
  void everyTritSurvivesAndScalesDoToF16(ModelFormat format) throws IOException {
    for (LlamaConfig config : List.of(LLAMA, BITNET)) {
      Path first = nativeModel(config);
      Path file = directory.resolve("model.bin");
      convert(first, file, format);
      Path again = directory.resolve("again");
      convert(file, again, ModelFormat.NATIVE);

      try (ModelDirectory wanted = ModelDirectory.open(first);
          GgufModel stored = GgufModel.open(file);
          ModelDirectory found = ModelDirectory.open(again)) {
        assertThat(stored.config()).isEqualTo(config);
        assertThat(found.config()).isEqualTo(config);
        assertThat(stored.hasLatents()).isFalse();
        for (TensorSpec tensor : config.tensors()) {
          if (tensor.kind() == TensorSpec.Kind.TERNARY) {
            byte[] trits = trits(wanted.ternary(tensor));
            assertThat(trits(stored.ternary(tensor))).as(tensor.name()).isEqualTo(trits);
            assertThat(trits(found.ternary(tensor))).as(tensor.name()).isEqualTo(trits);
            float scale = wanted.ternary(tensor).scale(0);
            float kept = format == ModelFormat.GGUF_I2_S ? scale : toHalf(scale);
            assertThat(stored.ternary(tensor).scale(0)).isEqualTo(kept);
            assertThat(found.ternary(tensor).scale(0)).isEqualTo(kept);
          } else {
            float[] values = floats(wanted, tensor);
            for (int i = 0; i < values.length; i++) {
              values[i] = toHalf(values[i]);
            }
            assertThat(floats(stored, tensor)).as(tensor.name()).isEqualTo(values);
          }
        }
      }
      AtomicDirectory.delete(first);
      AtomicDirectory.delete(again);
      Files.delete(file);
    }
  }

  @Test
  void latentsMadeFromTernaryF16ValuesQuantizeToTheSameScales() throws IOException {
    Path file = directory.resolve("model.gguf");
    convert(nativeModel(LLAMA), file, ModelFormat.GGUF_F16);
    Path online = directory.resolve("online");
    convert(file, online, ModelFormat.HF_ONLINE);
    try (GgufModel stored = GgufModel.open(file);
        HuggingFaceDirectory found = HuggingFaceDirectory.open(online)) {
      for (TensorSpec tensor : LLAMA.tensors()) {
        if (tensor.kind() == TensorSpec.Kind.TERNARY) {
          TernaryRows wanted = stored.ternary(tensor);
          TernaryRows rows = found.ternary(tensor);
          assertThat(rows.scale(0)).as(tensor.name()).isEqualTo(wanted.scale(0));
          assertThat(trits(rows)).as(tensor.name()).isEqualTo(trits(wanted));
        }
      }
    }
  }

  @Test
  void tokenizerAndSpecialTokensSurvive() throws IOException {
    Path home = Files.createDirectory(directory.resolve("home"));
    convert(nativeModel(LLAMA), home.resolve("only.gguf"), ModelFormat.GGUF_TQ2_0);
    convert(home, directory.resolve("again"), ModelFormat.NATIVE);
    try (ModelSource gguf = ModelSource.open(home);
        ModelSource again = ModelSource.open(directory.resolve("again"));
        Tokenizer bundled = Tokenizer.bundled()) {
      assertThat(gguf.path()).isEqualTo(home.resolve("only.gguf"));
      for (ModelSource source : List.of(gguf, again)) {
        try (Tokenizer tokenizer = source.tokenizer()) {
          String text = "Now is the winter of our discontent\n\n2 3";
          assertThat(tokenizer.encode(text)).isEqualTo(bundled.encode(text));
          assertThat(tokenizer.vocabSize()).isEqualTo(4096);
          assertThat(tokenizer.endOfText()).isEqualTo(bundled.endOfText());
          assertThat(source.endTokens()).containsExactly(bundled.endOfText().orElseThrow());
        }
      }
    }
  }

  /// llama.cpp's converter: `w.reshape(heads, 2, rows // heads // 2, in).swapaxes(1, 2)`.
  @Test
  void theRowsOfQueriesAndKeysAreReorderedAsTheReferenceDoes() throws IOException {
    RotaryOrder order = new RotaryOrder(6, true);
    int place = 0;
    for (int head = 0; head < 2; head++) {
      for (int pair = 0; pair < 3; pair++) {
        for (int half = 0; half < 2; half++) {
          int row = (head * 2 + half) * 3 + pair;
          assertThat(order.inFile(row)).isEqualTo(place);
          assertThat(order.inCheckpoint(place)).isEqualTo(row);
          place++;
        }
      }
    }
    Path file = directory.resolve("model.gguf");
    convert(nativeModel(LLAMA), file, ModelFormat.GGUF_F16);
    try (ModelDirectory wanted = ModelDirectory.open(directory.resolve("native"));
        GgufFile stored = GgufFile.open(file)) {
      for (String[] name : new String[][] {{"q_proj", "attn_q"}, {"v_proj", "attn_v"}}) {
        TensorSpec spec =
            LLAMA.tensors().stream()
                .filter(tensor -> tensor.name().contains("layers.1.self_attn." + name[0]))
                .findFirst()
                .orElseThrow();
        float[] row = new float[256];
        stored.readFloats(
            stored.require("blk.1.%s.weight".formatted(name[1])), 3, 1, MemorySegment.ofArray(row));
        byte[] trits = new byte[256];
        wanted.ternary(spec).unpack(name[0].equals("q_proj") ? 33 : 3, 1, trits);
        for (int i = 0; i < row.length; i++) {
          assertThat((int) Math.signum(row[i])).isEqualTo(trits[i]);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "320 | 512 | SILU | false | false | GGUF_TQ2_0 | use gguf-f16",
        "256 | 640 | SILU | false | false | GGUF_TQ1_0 | use gguf-f16, or gguf-i2_s for microsoft",
        "256 | 576 | SILU | false | false | GGUF_I2_S | use gguf-f16",
        "256 | 512 | RELU_SQUARED | false | false | GGUF_F16 | relu2 without sub-norms has no GGUF",
        "256 | 512 | RELU_SQUARED | true | false | GGUF_F16 | sub-norms and a head of its own has"
            + " no"
      })
  void whatTheFormatCannotHoldIsRefusedWithARemedy(
      int hidden,
      int intermediate,
      Activation activation,
      boolean subNorms,
      boolean tied,
      ModelFormat format,
      String message)
      throws IOException {
    Path source = nativeModel(config(hidden, intermediate, activation, subNorms, tied));
    Path target = directory.resolve("model.gguf");
    assertThatThrownBy(() -> convert(source, target, format))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
    assertThat(directory.toFile().list()).containsExactly("native");
  }

  @Test
  void anotherFileIsNotReplaced() throws IOException {
    Path source = nativeModel(LLAMA);
    Path file = Files.writeString(directory.resolve("model.gguf"), "letters");
    assertThatThrownBy(() -> convert(source, file, ModelFormat.GGUF_TQ2_0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("already exists");
    try (ModelSource model = ModelSource.open(source)) {
      assertThatThrownBy(
              () ->
                  ModelFormat.GGUF_TQ2_0.write(
                      file, model, ModelDirectory.Existing.REPLACE, parameters -> {}))
          .hasMessageContaining("already exists and is not a GGUF file");
    }
    assertThat(file).hasContent("letters");
  }
}
