package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import bitnet.model.LlamaConfig;
import java.util.List;
import java.util.stream.IntStream;

/// Keys and values of the tokens that one batch of sequences has seen; owned by the caller.
public final class GraphCache implements AutoCloseable {

  /// The caches of one layer, `[batch, kvHeads, capacity, headDim]`.
  record Layer(NDArray keys, NDArray values) {}

  private final NDManager manager;
  private final List<Layer> layers;
  private final int capacity;
  private int length;

  GraphCache(NDManager parent, LlamaConfig config, int batch, int capacity) {
    this.manager = parent.newSubManager();
    this.capacity = capacity;
    Shape shape = new Shape(batch, config.keyValueHeadCount(), capacity, config.headDim());
    layers =
        IntStream.range(0, config.layerCount())
            .mapToObj(
                layer ->
                    new Layer(
                        manager.zeros(shape, DataType.FLOAT32),
                        manager.zeros(shape, DataType.FLOAT32)))
            .toList();
  }

  Layer layer(int index) {
    return layers.get(index);
  }

  /// Tokens seen so far.
  public int length() {
    return length;
  }

  /// Tokens that fit.
  public int capacity() {
    return capacity;
  }

  void append(int tokens) {
    length += tokens;
  }

  @Override
  public void close() {
    manager.close();
  }
}
