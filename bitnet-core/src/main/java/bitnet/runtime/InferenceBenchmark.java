package bitnet.runtime;

import bitnet.device.SystemMemory;
import bitnet.kernel.Int8Matrix;
import bitnet.kernel.QuantizedActivations;
import bitnet.kernel.TernaryMatrix;
import bitnet.model.Activation;
import bitnet.model.ActivationScale;
import bitnet.model.AttentionVariant;
import bitnet.model.LlamaConfig;
import bitnet.model.RandomTernaryWeights;
import bitnet.model.RopeScaling;
import bitnet.model.TernaryWeights;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/// Measures loading, reading of a prompt and writing, as llama.cpp's benchmarks do: the medians
/// of some repetitions after one that does not count.
///
/// @param prompt tokens that are read at once
/// @param fresh tokens that are then written one by one
/// @param batch sequences that are written side by side in the batched measurement; 1 for none
public record InferenceBenchmark(int prompt, int fresh, int batch) {
  private static final int REPETITIONS = 3;
  // 256 MiB of weights: far more than any cache
  private static final int BANDWIDTH_ROWS = 1 << 16;
  private static final int BANDWIDTH_COLUMNS = 1 << 12;
  private static final int GRANULE = 16;
  // ternary weights of 256 KiB a thread: what a core's own cache holds
  private static final int CACHED_ROWS = 512;
  private static final int CACHED_COLUMNS = 1 << 11;
  private static final int CACHED_PASSES = 500;
  private static final int RATE_REPETITIONS = 5;
  private static final double NANOS = 1e9;

  /// What was measured.
  ///
  /// @param description what computed
  /// @param parameters of the model
  /// @param loadSeconds reading and packing the weights
  /// @param rates tokens per second
  /// @param bytesPerToken read from memory for every token that one sequence writes: weights, and
  ///     half way through, its keys and values
  /// @param limits what this machine reads
  /// @param peakMemory the most that the process held while it loaded, read and wrote one
  ///     sequence, in bytes; what the batch and the bandwidth take comes later
  public record Result(
      String description,
      long parameters,
      double loadSeconds,
      Rates rates,
      long bytesPerToken,
      Limits limits,
      long peakMemory) {

    /// Bytes of weights, keys and values read per second of decoding.
    public double decodeBandwidth() {
      return bytesPerToken * rates.decode();
    }
  }

  /// Tokens per second.
  ///
  /// @param prefill tokens of the prompt
  /// @param decode one sequence
  /// @param batch all sequences of the batch together; 0 without a batch
  public record Rates(double prefill, double decode, double batch) {}

  /// What this machine reads with as many threads, in bytes per second.
  ///
  /// @param memory from memory
  /// @param kernel weights that caches hold, in the ternary product
  public record Limits(double memory, double kernel) {
    /// The lower of both.
    public double lower() {
      return Math.min(memory, kernel);
    }
  }

  /// Checks the counts.
  ///
  /// @throws IllegalArgumentException naming the value and the rule
  public InferenceBenchmark {
    if (prompt < 1 || fresh < 1 || batch < 1) {
      throw new IllegalArgumentException(
          "prompt %d, new %d and batch %d must all be at least 1".formatted(prompt, fresh, batch));
    }
  }

  /// The dimensions that llama.cpp is measured with as well.
  ///
  /// @param name `100m`, `750m` or `2b4t` (BitNet b1.58 2B4T)
  /// @throws IllegalArgumentException if there is no such shape
  public static LlamaConfig shape(String name) {
    return switch (name) {
      case "100m" -> llama(16_000, 768, 2048, 12, 12);
      case "750m" -> llama(32_000, 1536, 4096, 24, 24);
      case "2b4t" ->
          new LlamaConfig(
              128_256,
              2560,
              30,
              4096,
              new LlamaConfig.Heads(20, 5, 128, 500_000),
              new LlamaConfig.FeedForward(6912, Activation.RELU_SQUARED),
              new LlamaConfig.Norms(1e-5, true, OptionalDouble.empty()),
              new LlamaConfig.Weights(true, false));
      case "bonsai-1.7b" -> bonsai(2048, 6144, 28, 16, true);
      case "bonsai-8b" -> bonsai(4096, 12_288, 36, 32, false);
      default ->
          throw new IllegalArgumentException(
              "shape \"%s\" is unknown; use 100m, 750m, 2b4t, bonsai-1.7b or bonsai-8b"
                  .formatted(name));
    };
  }

  /// Ternary Bonsai: Qwen 3 with a scale for every 128 inputs, embedding and head ternary too.
  private static LlamaConfig bonsai(int hidden, int ffn, int layers, int heads, boolean tied) {
    int scaleColumns = 128;
    return new LlamaConfig(
        151_669,
        hidden,
        layers,
        4096,
        new LlamaConfig.Heads(
            heads,
            8,
            128,
            1_000_000,
            new AttentionVariant(new RopeScaling.None(), true, false, false)),
        new LlamaConfig.FeedForward(ffn, Activation.SILU),
        new LlamaConfig.Norms(1e-6, false, OptionalDouble.empty()),
        new LlamaConfig.Weights(tied, scaleColumns, true, !tied, ActivationScale.INT8_GROUP));
  }

  private static LlamaConfig llama(int vocab, int hidden, int ffn, int layers, int heads) {
    return new LlamaConfig(
        vocab,
        hidden,
        layers,
        4096,
        new LlamaConfig.Heads(heads, heads, hidden / heads, 10_000),
        new LlamaConfig.FeedForward(ffn, Activation.SILU),
        LlamaConfig.Norms.LLAMA,
        LlamaConfig.Weights.SEPARATE);
  }

  /// Measures random weights of a shape, without a file.
  public Result run(LlamaConfig config, RuntimeSettings settings) throws IOException {
    return run(new RandomTernaryWeights(config), settings);
  }

  /// Measures a model.
  ///
  /// @throws IOException if a weight is missing or damaged
  /// @throws IllegalArgumentException if the tokens do not fit the model's context
  public Result run(TernaryWeights weights, RuntimeSettings settings) throws IOException {
    long start = System.nanoTime();
    try (TernaryLlama model = TernaryLlama.load(weights, settings)) {
      double loadSeconds = (System.nanoTime() - start) / NANOS;
      double[] prefill = new double[REPETITIONS];
      double[] decode = new double[REPETITIONS];
      for (int repetition = -1; repetition < REPETITIONS; repetition++) {
        double[] rates = once(model, 1);
        if (repetition >= 0) {
          prefill[repetition] = rates[0];
          decode[repetition] = rates[1];
        }
      }
      long peakMemory = SystemMemory.peakResidentBytes();
      return new Result(
          model.description(),
          weights.config().parameterCount(),
          loadSeconds,
          new Rates(median(prefill), median(decode), batch == 1 ? 0 : batchedRate(model)),
          model.bytesPerToken()
              + KvCache.bytes(weights.config(), settings.cache(), prompt + fresh / 2),
          new Limits(readBandwidth(model), kernelRate(model)),
          peakMemory);
    }
  }

  private double batchedRate(TernaryLlama model) {
    once(model, batch);
    return median(DoubleStream.generate(() -> once(model, batch)[1]).limit(REPETITIONS).toArray());
  }

  private static double median(double... values) {
    Arrays.sort(values);
    return values[values.length / 2];
  }

  /// Tokens per second of reading and of writing.
  private double[] once(TernaryLlama model, int sequences) {
    int vocab = model.config().vocabSize();
    int[] ids = IntStream.range(0, prompt).map(i -> (100 + i * 7919 % 10_000) % vocab).toArray();
    List<KvCache> caches = new ArrayList<>();
    try {
      for (int i = 0; i < sequences; i++) {
        caches.add(model.newCache(prompt + fresh));
      }
      long start = System.nanoTime();
      model.advance(List.of(caches.getFirst()), List.of(ids));
      long read = System.nanoTime();
      for (KvCache fork : caches.subList(1, sequences)) {
        fork.forkFrom(caches.getFirst());
      }
      List<int[]> next = new ArrayList<>();
      for (int i = 0; i < sequences; i++) {
        next.add(new int[] {(5 + i) % vocab});
      }
      long begin = System.nanoTime();
      for (int i = 0; i < fresh; i++) {
        float[][] logits = model.advance(caches, next);
        for (int j = 0; j < sequences; j++) {
          next.set(j, new int[] {best(logits[j])});
        }
      }
      long end = System.nanoTime();
      return new double[] {
        prompt / ((read - start) / NANOS), (double) fresh * sequences / ((end - begin) / NANOS)
      };
    } finally {
      caches.forEach(KvCache::close);
    }
  }

  private static int best(float... logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  /// Multiplies ternary weights that are never far with one token: memory is not waited for.
  private static double kernelRate(TernaryLlama model) {
    try (Arena arena = Arena.ofShared()) {
      int rows = CACHED_ROWS * model.team().threads();
      TernaryMatrix weights =
          TernaryMatrix.pack(
              model.kernels(),
              List.of(RandomTernaryWeights.random(rows, CACHED_COLUMNS)),
              arena,
              model.team());
      QuantizedActivations input = new QuantizedActivations(arena, 1, CACHED_COLUMNS);
      MemorySegment out = arena.allocate((long) rows * Float.BYTES, Float.BYTES);
      return bestRate(
          weights.bytes() * CACHED_PASSES,
          () ->
              model
                  .team()
                  .forRanges(
                      rows,
                      model.kernels().rowsPerTile(),
                      (first, end) -> {
                        for (int pass = 0; pass < CACHED_PASSES; pass++) {
                          model.kernels().multiply(weights, input, 1, first, end, out, rows);
                        }
                      }));
    }
  }

  /// Multiplies 8-bit weights that no cache holds with one token: a product that does so little
  /// with a byte that memory is what it waits for.
  private static double readBandwidth(TernaryLlama model) {
    try (Arena arena = Arena.ofShared()) {
      Int8Matrix weights = new Int8Matrix(BANDWIDTH_ROWS, BANDWIDTH_COLUMNS, arena);
      QuantizedActivations input = new QuantizedActivations(arena, 1, BANDWIDTH_COLUMNS);
      MemorySegment out = arena.allocate((long) BANDWIDTH_ROWS * Float.BYTES, Float.BYTES);
      return bestRate(
          weights.bytes(),
          () ->
              model
                  .team()
                  .forRanges(
                      BANDWIDTH_ROWS,
                      GRANULE,
                      (first, end) ->
                          model
                              .kernels()
                              .multiply(weights, input, 1, first, end, out, BANDWIDTH_ROWS)));
    }
  }

  /// Bytes per second of the fastest of some passes over so many bytes.
  private static double bestRate(long bytes, Runnable pass) {
    double best = 0;
    for (int repetition = 0; repetition < RATE_REPETITIONS; repetition++) {
      long start = System.nanoTime();
      pass.run();
      best = Math.max(best, bytes / ((System.nanoTime() - start) / NANOS));
    }
    return best;
  }
}
