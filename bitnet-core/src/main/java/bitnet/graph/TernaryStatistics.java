package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Watches how the trits of a model's linear layers change in training.
///
/// It reads the weights and leaves them as they are. Of a large layer evenly spaced rows stand
/// for all, so that a look costs little compared with a step; its memory is a byte for each watched
/// trit.
public final class TernaryStatistics implements AutoCloseable {

  /// Watched trits of a layer, at most (but one row at least).
  private static final long MOST = 1 << 20;

  private final LlamaModel model;
  private final NDManager manager;
  private final List<Layer> layers = new ArrayList<>();

  /// Remembers the trits of now.
  ///
  /// @param model whose [LlamaModel#ternarize()] is called whenever its latent weights change
  public TernaryStatistics(LlamaModel model) {
    this.model = model;
    this.manager = model.manager().newSubManager();
    for (BitLinear linear : model.linears()) {
      Shape shape = linear.weight().value().getShape();
      int stride = Math.toIntExact(Math.ceilDiv(shape.size(), MOST));
      Shape watched = new Shape(linear.watchedRows(stride), shape.get(1));
      layers.add(new Layer(linear, stride, manager.zeros(watched, DataType.INT8)));
    }
    look();
  }

  private record Layer(BitLinear linear, int stride, NDArray before) {}

  /// What was seen.
  ///
  /// @param zeroShare the share of trits that are 0
  /// @param flipRate the share of trits that are not what they were at the last look
  public record Health(double zeroShare, double flipRate) {}

  /// Looks at the trits; empty where the model has none that change.
  public Optional<Health> look() {
    if (layers.isEmpty()) {
      return Optional.empty();
    }
    long trits = 0;
    long zeros = 0;
    long flips = 0;
    try (NDManager scope = manager.newSubManager()) {
      for (Layer layer : layers) {
        long[] counts = layer.linear.watch(model.ops(), scope, layer.stride, layer.before);
        trits += layer.before.size();
        zeros += counts[0];
        flips += counts[1];
      }
    }
    return Optional.of(new Health((double) zeros / trits, (double) flips / trits));
  }

  @Override
  public void close() {
    manager.close();
  }
}
