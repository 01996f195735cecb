package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.format.CheckpointException;
import bitnet.format.gguf.GgufCursor;
import bitnet.format.gguf.GgufFields;
import bitnet.format.gguf.GgufFile;
import bitnet.format.gguf.GgufTensor;
import bitnet.format.gguf.GgufType;
import bitnet.format.gguf.GgufWriter;
import bitnet.format.gguf.TritBlocks;
import bitnet.model.Activation;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.quantization.TernaryRows;
import bitnet.tokenizer.TokenTable;
import bitnet.tokenizer.Tokenizer;
import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/// Damages valid files at random and reads everything in them: 20,000 inputs, a million with the
/// Maven profile `soak`.
class HostileGgufMutationTest {
  private static final int INPUTS =
      Math.max(20_000, Integer.getInteger("bitnet.hostile.inputs", 0));
  private static final int SLACK_BYTES = 1 << 18; // of any file, however small
  private static final int TOKENIZERS = 50; // one input in so many has its tokenizer built
  private static final long[] VALUES = {
    0,
    1,
    2,
    3,
    7,
    8,
    31,
    32,
    33,
    255,
    256,
    65_536,
    Integer.MAX_VALUE,
    1L << 31,
    1L << 32,
    1L << 61,
    1L << 62,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    -1,
    -2,
    -32
  };

  @TempDir private static Path directory;
  private static byte[][] seeds;

  @BeforeAll
  static void makeSeeds() throws IOException {
    seeds =
        new byte[][] {
          Files.readAllBytes(Path.of("src/test/resources/fixtures/gguf/types.gguf")),
          model(GgufType.TQ2_0),
          model(GgufType.TQ1_0),
          model(GgufType.F16),
          model(GgufType.I2_S),
          // Qwen 3 with q_norm, k_norm and group scales, Qwen 2 with biases, LLaMA 3 with divisors
          fixture("g64-Q2_0"),
          fixture("tied-PTQ1_0"),
          fixture("untied-Q2_0-legacy128"),
          fixture("qwen2-bias-F16"),
          fixture("llama3-rope-BF16")
        };
  }

  private static byte[] fixture(String name) throws IOException {
    Path folder = Path.of("src/test/resources/fixtures/families/gguf");
    return Files.readAllBytes(folder.resolve(name + ".gguf"));
  }

  /// A whole model, as small as its type allows.
  private static byte[] model(GgufType type) throws IOException {
    int width = type.blockValues() == 1 ? 8 : type.blockValues();
    GgufFields fields =
        new GgufFields()
            .put("general.architecture", "llama")
            .put("llama.context_length", 16)
            .put("llama.embedding_length", width)
            .put("llama.block_count", 1)
            .put("llama.feed_forward_length", width)
            .put("llama.attention.head_count", width / 2)
            .put("llama.attention.head_count_kv", 1)
            .put("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      GgufVocabulary.write(fields, TokenTable.of(tokenizer));
    }
    LlamaConfig config =
        new LlamaConfig(
            256,
            width,
            1,
            16,
            new LlamaConfig.Heads(width / 2, 1, 2, 10_000),
            new LlamaConfig.FeedForward(width, Activation.SILU),
            LlamaConfig.Norms.LLAMA,
            new LlamaConfig.Weights(true, false));
    Path file = directory.resolve(type + ".gguf");
    // the embedding in trits too where that makes the file smaller
    try (GgufWriter writer =
        GgufWriter.create(
            file,
            fields,
            config.tensors().stream()
                .map(
                    spec ->
                        GgufTensor.of(
                            GgufLayout.name(spec),
                            spec.isMatrix() ? type : GgufType.F32,
                            spec.shape()))
                .toList())) {
      Random random = new Random(1);
      for (TensorSpec spec : config.tensors()) {
        writer.write(
            GgufLayout.name(spec),
            MemorySegment.ofArray(content(spec.isMatrix() ? type : GgufType.F32, spec, random)));
      }
      writer.commit();
    }
    return Files.readAllBytes(file);
  }

  private static byte[] content(GgufType type, TensorSpec spec, Random random) {
    byte[] content = new byte[(int) type.bytes(spec.count())];
    if (type.isTernary()) {
      byte[] trits = new byte[(int) spec.count()];
      for (int i = 0; i < trits.length; i++) {
        trits[i] = (byte) (random.nextInt(3) - 1);
      }
      TritBlocks.pack(type, trits, Float.floatToFloat16(0.05f), content);
      if (type == GgufType.I2_S) {
        int tail = content.length - GgufType.I2_S_TAIL_BYTES;
        MemorySegment.ofArray(content).set(GgufCursor.FLOAT, tail, 0.05f);
      }
    } else {
      for (int i = 0; i < content.length; i++) {
        content[i] = (byte) random.nextInt(60);
      }
    }
    return content;
  }

  private static byte[] mutated(byte[] seed, Random random) {
    byte[] bytes = seed.clone();
    for (int i = random.nextInt(4); i >= 0 && bytes.length > 0; i--) {
      // most of a header lies in the first bytes; the data behind are all alike
      int limit = random.nextBoolean() ? Math.min(bytes.length, 3_000) : bytes.length;
      int at = random.nextInt(limit);
      switch (random.nextInt(6)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt();
        case 2, 3 -> overwrite(bytes, at, random);
        case 4 -> bytes = Arrays.copyOf(bytes, at + 1);
        default -> bytes = moved(bytes, at, random);
      }
    }
    return bytes;
  }

  private static void overwrite(byte[] bytes, int at, Random random) {
    int size = random.nextBoolean() ? Integer.BYTES : Long.BYTES;
    if (at + size <= bytes.length) {
      long value = VALUES[random.nextInt(VALUES.length)];
      ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      if (size == Integer.BYTES) {
        buffer.putInt(at, (int) value);
      } else {
        buffer.putLong(at, value);
      }
    }
  }

  /// Repeats or drops some bytes.
  private static byte[] moved(byte[] bytes, int at, Random random) {
    int count = Math.min(random.nextInt(64), bytes.length - at);
    boolean repeats = random.nextBoolean();
    byte[] moved = new byte[bytes.length + (repeats ? count : -count)];
    System.arraycopy(bytes, 0, moved, 0, at);
    int from = repeats ? at : at + count;
    System.arraycopy(bytes, from, moved, at + (repeats ? count : 0), bytes.length - from);
    return moved;
  }

  /// Opens a file, and reads everything if it opens.
  private static void readEverything(GgufFile file, boolean withTokenizer)
      throws CheckpointException, IOException {
    for (GgufTensor tensor : file.tensors()) {
      if (tensor.type().isReadable()) {
        float[] row = new float[(int) tensor.columns()];
        file.readFloats(tensor, tensor.rows() - 1, 1, MemorySegment.ofArray(row));
      }
    }
    GgufModel model = GgufModel.of(file);
    for (TensorSpec spec : model.config().tensors()) {
      if (spec.kind() == TensorSpec.Kind.TERNARY || model.config().isTernary(spec)) {
        TernaryRows rows = model.ternary(spec);
        rows.unpack(0, 1, new byte[spec.columns()]);
      }
    }
    GgufTokenizerAssets assets = new GgufTokenizerAssets(file);
    assets.generation();
    if (withTokenizer) {
      assets.tokenizer().close();
    }
  }

  @Test
  void noDamageDoesMoreThanRaiseTheOneException(TestReporter reporter) throws IOException {
    for (byte[] seed : seeds) {
      GgufFile whole = inMemory(seed);
      if (whole.metadata().has("general.architecture")
          && whole.metadata().has("tokenizer.ggml.tokens")) {
        readEverything(whole, true);
      }
    }
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long self = Thread.currentThread().threadId();
    Random random = new Random(20_260_101);
    int refused = 0;
    for (int input = 0; input < INPUTS; input++) {
      byte[] bytes = mutated(seeds[random.nextInt(seeds.length)], random);
      long before = threads.getThreadAllocatedBytes(self);
      try {
        GgufFile file = inMemory(bytes);
        long opened = threads.getThreadAllocatedBytes(self);
        assertThat(opened - before).isLessThan(4L * bytes.length + SLACK_BYTES);
        readEverything(file, input % TOKENIZERS == 0);
        if (input % TOKENIZERS != 0) {
          long read = threads.getThreadAllocatedBytes(self);
          assertThat(read - before).isLessThan(4L * bytes.length + SLACK_BYTES);
        }
      } catch (CheckpointException expected) {
        refused++;
      } catch (RuntimeException | Error | IOException other) {
        throw new AssertionError("input %d of the seeded sequence".formatted(input), other);
      }
    }
    reporter.publishEntry("refused", "%d of %d inputs".formatted(refused, INPUTS));
    assertThat(refused).isBetween(INPUTS / 3, INPUTS - 1);
  }

  @SuppressWarnings("MustBeClosedChecker") // on the heap: nothing to close
  private static GgufFile inMemory(byte[] bytes) throws CheckpointException {
    return new GgufFile(Path.of("fuzz.gguf"), Arena.ofAuto(), MemorySegment.ofArray(bytes));
  }
}
