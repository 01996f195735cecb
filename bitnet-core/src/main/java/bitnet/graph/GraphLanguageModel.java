package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import bitnet.model.AdapterWeights;
import bitnet.model.ComputeSettings;
import bitnet.model.LanguageModel;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.TernaryWeights;
import java.io.IOException;
import java.util.Arrays;

/// The graph that trains as a language model: the same numbers as in training, in fp32.
///
/// One thread uses it, the one that loaded it.
public final class GraphLanguageModel implements LanguageModel {
  private static final int MOST_LOGITS = Integer.MAX_VALUE / Float.BYTES; // of one array

  private final LlamaModel model;
  private final NDManager owner;

  private GraphLanguageModel(LlamaModel model, NDManager owner) {
    this.model = model;
    this.owner = owner;
  }

  /// Reads a model into memory and prepares the calling thread for computing with it.
  ///
  /// @throws IOException if a weight is missing or damaged
  /// @throws IllegalArgumentException if there is no such device
  public static GraphLanguageModel load(LatentWeights weights, ComputeSettings compute)
      throws IOException {
    TorchOps.prepareThread(compute.threads());
    NDManager owner =
        NDManager.newBaseManager(new DeviceSelector().select(compute.device()).device(), "PyTorch");
    try {
      return new GraphLanguageModel(LlamaModel.load(weights, owner, ComputeType.FP32), owner);
    } catch (IOException | RuntimeException failure) {
      owner.close();
      throw failure;
    }
  }

  /// Reads a packed model and its adapter into memory and prepares the calling thread for computing
  /// with them, on the processor.
  ///
  /// @throws IOException if a weight is missing or damaged
  /// @throws IllegalArgumentException if the device is a GPU
  public static GraphLanguageModel load(
      TernaryWeights base, AdapterWeights adapter, ComputeSettings compute) throws IOException {
    TorchOps.prepareThread(compute.threads());
    NDManager owner =
        NDManager.newBaseManager(new DeviceSelector().select(compute.device()).device(), "PyTorch");
    try {
      LlamaModel model = LlamaModel.load(base, adapter, compute.threads(), owner, ComputeType.FP32);
      return new GraphLanguageModel(model, owner);
    } catch (IOException | RuntimeException failure) {
      owner.close();
      throw failure;
    }
  }

  /// As [#load], without quantization: a checkpoint that is not ternary computes what it did where
  /// it comes from.
  ///
  /// @throws IOException if a weight is missing or damaged
  /// @throws IllegalArgumentException if there is no such device
  public static GraphLanguageModel loadFullPrecision(LatentWeights weights, ComputeSettings compute)
      throws IOException {
    GraphLanguageModel loaded = load(weights, compute);
    loaded.model.ternarize(0);
    return loaded;
  }

  /// A model that is already in memory, for example in training; closing this closes it.
  ///
  /// @param model computed by a thread that [TorchOps#prepareThread] prepared
  public static GraphLanguageModel of(LlamaModel model) {
    return new GraphLanguageModel(model, model.manager());
  }

  @Override
  public LlamaConfig config() {
    return model.config();
  }

  @Override
  public String description() {
    return "the training graph in fp32 on " + owner.getDevice();
  }

  /// The logits of every position, `[position][vocab]`: those of the token that follows it.
  ///
  /// @throws IllegalArgumentException if there is no token, one is outside the vocabulary, or
  ///     they exceed the context length
  public float[][] logits(int... tokens) {
    checkTokens(tokens);
    if (tokens.length > config().contextLength()) {
      throw new IllegalArgumentException(
          "%d tokens do not fit the model's context of %d; shorten the text"
              .formatted(tokens.length, config().contextLength()));
    }
    int vocab = config().vocabSize();
    if ((long) tokens.length * vocab > MOST_LOGITS) {
      throw new IllegalArgumentException(
          "%d tokens with %d logits each do not fit one array; use at most %d tokens"
              .formatted(tokens.length, vocab, MOST_LOGITS / vocab));
    }
    try (NDManager scope = model.manager().newSubManager()) {
      float[] flat = model.logits(scope, ids(scope, tokens)).toFloatArray();
      float[][] logits = new float[tokens.length][];
      for (int position = 0; position < tokens.length; position++) {
        logits[position] = Arrays.copyOfRange(flat, position * vocab, (position + 1) * vocab);
      }
      return logits;
    }
  }

  @Override
  public Session begin(int capacity) {
    if (capacity < 1 || capacity > config().contextLength()) {
      throw new IllegalArgumentException(
          "a capacity of %d tokens is not from 1 to the model's context of %d"
              .formatted(capacity, config().contextLength()));
    }
    return new GraphSession(model.newCache(1, capacity));
  }

  private void checkTokens(int... tokens) {
    if (tokens.length == 0) {
      throw new IllegalArgumentException("no tokens; give at least one");
    }
    for (int token : tokens) {
      if (token < 0 || token >= config().vocabSize()) {
        throw new IllegalArgumentException(
            "token id %d is outside the vocabulary; use 0 to %d"
                .formatted(token, config().vocabSize() - 1));
      }
    }
  }

  /// `[1, seq]`, int64.
  private static NDArray ids(NDManager scope, int... tokens) {
    long[] wide = Arrays.stream(tokens).asLongStream().toArray();
    return scope.create(wide, new Shape(1, wide.length));
  }

  @Override
  public void close() {
    model.close();
    owner.close();
  }

  private final class GraphSession implements Session {
    private final GraphCache cache;

    GraphSession(GraphCache cache) {
      this.cache = cache;
    }

    @Override
    public int length() {
      return cache.length();
    }

    @Override
    public float[] advance(int... tokens) {
      checkTokens(tokens);
      if (cache.length() + tokens.length > cache.capacity()) {
        throw new IllegalArgumentException(
            "%d tokens do not fit a sequence of %d; begin one with a larger capacity"
                .formatted(cache.length() + tokens.length, cache.capacity()));
      }
      try (NDManager scope = model.manager().newSubManager()) {
        return model.decode(scope, ids(scope, tokens), cache).toFloatArray();
      }
    }

    @Override
    public void close() {
      cache.close();
    }
  }
}
