package bitnet.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import bitnet.graph.Parameter;
import bitnet.graph.TorchOps;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/// The end of every training step: the gradients' norm, clipping, AdamW.
/// Weight decay acts on matrices, not on norm gains.
public final class OptimizerStep implements AutoCloseable {

  /// AdamW's memory of one parameter.
  ///
  /// @param first moving mean of the gradient, of the parameter's shape
  /// @param second moving mean of its square
  /// @param count steps taken, a scalar
  record Moments(Parameter parameter, NDArray first, NDArray second, NDArray count) {

    /// Everything of it that a checkpoint holds, by name.
    SequencedMap<String, NDArray> tensors() {
      SequencedMap<String, NDArray> tensors = new LinkedHashMap<>();
      tensors.put(RunCheckpoints.LATENT + parameter.name(), parameter.value());
      tensors.put("first/" + parameter.name(), first);
      tensors.put("second/" + parameter.name(), second);
      tensors.put("count/" + parameter.name(), count);
      return tensors;
    }
  }

  private static final int MAX_SAMPLED_ENTRIES = 1 << 20;

  private final TorchOps ops;
  private final TorchOps.AdamWSettings settings;
  private final NDManager manager;
  private final List<Moments> moments;

  /// Starts with zero moments, and with [TorchOps.AdamWSettings#BITNET].
  ///
  /// @param parameters at least one; updated in place
  public OptimizerStep(TorchOps ops, List<Parameter> parameters) {
    this(ops, parameters, TorchOps.AdamWSettings.BITNET);
  }

  /// Starts with zero moments.
  ///
  /// @param parameters at least one; updated in place
  /// @param settings decay of the moments, and epsilon
  public OptimizerStep(TorchOps ops, List<Parameter> parameters, TorchOps.AdamWSettings settings) {
    this.ops = ops;
    this.settings = settings;
    this.manager = parameters.getFirst().value().getManager().newSubManager();
    this.moments = parameters.stream().map(this::blank).toList();
  }

  private Moments blank(Parameter parameter) {
    Shape shape = parameter.value().getShape();
    return new Moments(
        parameter,
        manager.zeros(shape, DataType.FLOAT32),
        manager.zeros(shape, DataType.FLOAT32),
        manager.zeros(new Shape(), DataType.FLOAT32));
  }

  List<Moments> moments() {
    return moments;
  }

  /// The 2-norm of all accumulated gradients.
  public float gradientNorm() {
    try (NDManager scope = manager.newSubManager()) {
      return ops.gradientNorm(scope, gradients(moments));
    }
  }

  /// Equally spaced entries of all accumulated gradients, a million at most, in one vector: enough
  /// to compare the directions of gradients.
  public float[] sampledGradient() {
    long total = moments.stream().mapToLong(entry -> entry.parameter().value().size()).sum();
    try (NDManager scope = manager.newSubManager()) {
      return ops.sampleGradients(
              scope, gradients(moments), Math.ceilDiv(total, MAX_SAMPLED_ENTRIES))
          .toFloatArray();
    }
  }

  /// Forgets the accumulated gradients.
  public void skip() {
    try (NDManager scope = manager.newSubManager()) {
      ops.zero(scope, gradients(moments));
    }
  }

  /// Updates the latent parameters and zeroes the gradients; the model's ternary weights are made
  /// anew by its owner.
  ///
  /// @param gradientNorm of [#gradientNorm]
  /// @param maxNorm gradients longer than this are scaled to it; 0: never
  public void apply(double learningRate, double weightDecay, double gradientNorm, double maxNorm) {
    double clip = maxNorm > 0 ? Math.min(1, maxNorm / (gradientNorm + 1e-6)) : 1;
    apply(true, learningRate, weightDecay, clip);
    apply(false, learningRate, 0, clip);
  }

  private void apply(boolean decayed, double learningRate, double weightDecay, double clip) {
    List<Moments> group =
        moments.stream().filter(entry -> entry.parameter().isDecayed() == decayed).toList();
    if (group.isEmpty()) { // which libtorch's operations on lists refuse
      return;
    }
    try (NDManager scope = manager.newSubManager()) {
      ops.adamW(
          scope,
          group.stream().map(entry -> entry.parameter().value()).toList(),
          gradients(group),
          group.stream().map(Moments::first).toList(),
          group.stream().map(Moments::second).toList(),
          group.stream().map(Moments::count).toList(),
          settings,
          learningRate,
          weightDecay,
          clip);
    }
  }

  private static List<NDArray> gradients(List<Moments> moments) {
    return moments.stream().map(entry -> entry.parameter().gradient()).toList();
  }

  @Override
  public void close() {
    manager.close();
  }
}
