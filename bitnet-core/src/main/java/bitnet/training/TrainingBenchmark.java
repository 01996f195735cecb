package bitnet.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import bitnet.data.TokenBatch;
import bitnet.graph.ComputeType;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.SelectedDevice;
import bitnet.graph.TorchOps;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.model.NewAdapter;
import bitnet.model.RandomTernaryWeights;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// How fast this machine trains a model, compared with its rate of matrix products.
///
/// @param config of a blank model
/// @param type of the matrix products
/// @param batch sequences in a step
/// @param seq tokens in each
/// @param steps that count
/// @param threads for libtorch's products
/// @param keep what a forward pass keeps
/// @param lora the adapter that is trained on a packed base; empty to train the weights
public record TrainingBenchmark(
    LlamaConfig config,
    ComputeType type,
    int batch,
    int seq,
    int steps,
    int threads,
    ForwardPass.Keep keep,
    Optional<LoraSettings> lora) {

  private static final int WARMUP_STEPS = 2;
  private static final int ROOFLINE_SIZE = 1024;
  private static final int ROOFLINE_RUNS = 12;

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if one is below 1
  public TrainingBenchmark {
    if (batch < 1 || seq < 1 || steps < 1 || threads < 1) {
      throw new IllegalArgumentException(
          "batch %d, seq %d, steps %d and threads %d must all be at least 1"
              .formatted(batch, seq, steps, threads));
    }
  }

  /// What was measured; times are medians over the steps.
  ///
  /// @param parameters of the model
  /// @param tokensPerSecond trained
  /// @param step its time
  /// @param rooflineGflops the best product of two 1024 x 1024 matrices, 10^9 operations per second
  /// @param fraction model operations per second over the roofline
  /// @param firstLoss loss of the first step
  /// @param lastLoss loss of the last step
  public record Result(
      long parameters,
      double tokensPerSecond,
      StepTime step,
      double rooflineGflops,
      double fraction,
      double firstLoss,
      double lastLoss) {}

  /// The time of an optimizer step, in milliseconds.
  ///
  /// @param forward the forward pass, with the head's loss and gradient
  /// @param backward the backward pass through the decoder
  /// @param optimizer gradient norm, clipping, AdamW and new ternary weights
  public record StepTime(double forward, double backward, double optimizer) {
    /// The whole step, in milliseconds.
    public double total() {
      return forward + backward + optimizer;
    }
  }

  /// Trains a blank model on one batch of random tokens, after two steps that do not count.
  public Result run(SelectedDevice device) throws IOException {
    TorchOps.prepareThread(threads);
    try (NDManager manager = NDManager.newBaseManager(device.device(), "PyTorch")) {
      return run(manager);
    }
  }

  private Result run(NDManager parent) throws IOException {
    try (LlamaModel model = model(parent);
        OptimizerStep optimizer = new OptimizerStep(model.ops(), model.parameters())) {
      CrossEntropyLoss loss = new CrossEntropyLoss(model);
      TokenBatch tokens = randomTokens();
      List<StepTime> times = new ArrayList<>();
      double first = 0;
      double last = 0;
      for (int step = 0; step < WARMUP_STEPS + steps; step++) {
        CrossEntropyLoss.Result result = loss.accumulateTimed(tokens, 1, keep);
        long begin = System.nanoTime();
        optimizer.apply(1e-3, 0.1, optimizer.gradientNorm(), 1);
        model.ternarize();
        double optimizerMillis = (System.nanoTime() - begin) / 1e6;
        first = step == 0 ? result.loss() : first;
        last = result.loss();
        if (step >= WARMUP_STEPS) {
          times.add(
              new StepTime(
                  result.forwardNanos() / 1e6, result.backwardNanos() / 1e6, optimizerMillis));
        }
      }
      times.sort(Comparator.comparingDouble(StepTime::total));
      StepTime median = times.get(times.size() / 2);
      double tokensPerSecond = 1000.0 * batch * seq / median.total();
      double roofline = matmulFlops(parent, model.ops(), type);
      return new Result(
          config.parameterCount(),
          tokensPerSecond,
          median,
          roofline / 1e9,
          tokensPerSecond * TrainingFlops.perToken(config, seq, lora.isPresent()) / roofline,
          first,
          last);
    }
  }

  private LlamaModel model(NDManager parent) throws IOException {
    BlankWeights weights =
        new BlankWeights(config, new LatentInitializer(0, LatentInitializer.DEFAULT_DEVIATION));
    if (lora.isEmpty()) {
      return LlamaModel.load(weights, parent, type);
    }
    RandomTernaryWeights base = new RandomTernaryWeights(config);
    return LlamaModel.load(base, new NewAdapter(lora.get(), base, "", 0), threads, parent, type);
  }

  private TokenBatch randomTokens() {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
    int[] inputs = random.ints((long) batch * seq, 0, config.vocabSize()).toArray();
    int[] targets = random.ints((long) batch * seq, 0, config.vocabSize()).toArray();
    return new TokenBatch(inputs, targets, batch, seq);
  }

  /// The best rate at which two 1024 x 1024 matrices are multiplied, operations per second.
  public static double matmulFlops(NDManager parent, TorchOps ops, ComputeType type) {
    double best = 0;
    try (NDManager scope = parent.newSubManager()) {
      Shape shape = new Shape(ROOFLINE_SIZE, ROOFLINE_SIZE);
      NDArray a = scope.randomNormal(0, 1, shape, DataType.FLOAT32);
      NDArray b = scope.randomNormal(0, 1, shape, DataType.FLOAT32);
      for (int run = 0; run < ROOFLINE_RUNS; run++) {
        long begin = System.nanoTime();
        ops.product(scope, a, b, type).close();
        double seconds = (System.nanoTime() - begin) / 1e9;
        best = Math.max(best, 2 * Math.pow(ROOFLINE_SIZE, 3) / seconds);
      }
    }
    return best;
  }
}
