package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import bitnet.model.AdapterWeights;
import bitnet.model.LatentWeights;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Collectors;

/// An fp32 tensor with its gradient. Projections that read the same input (q, k, v; gate, up) are
/// stacked by rows into one parameter, so that they are one product. A frozen parameter is not
/// trained: its gradient has no elements.
public final class Parameter {

  /// Rows that are read at a time: a whole vocabulary may be larger than a buffer.
  private static final int READ_ROWS = 1024;

  private final List<TensorSpec> tensors;
  private final NDArray value;
  private final NDArray gradient;

  private Parameter(List<TensorSpec> tensors, NDArray value, NDArray gradient) {
    this.tensors = List.copyOf(tensors);
    this.value = value;
    this.gradient = gradient;
  }

  /// Reads the tensors, stacked in the order given.
  static Parameter load(NDManager manager, LatentWeights weights, List<TensorSpec> tensors)
      throws IOException {
    TensorSpec first = tensors.getFirst();
    int rows = tensors.stream().mapToInt(TensorSpec::rows).sum();
    Shape shape = first.isMatrix() ? new Shape(rows, first.columns()) : new Shape(rows);
    Parameter parameter =
        new Parameter(
            tensors,
            manager.zeros(shape, DataType.FLOAT32),
            manager.zeros(shape, DataType.FLOAT32));
    parameter.read(weights);
    return parameter;
  }

  /// A parameter of a low-rank adapter.
  static Parameter load(NDManager manager, AdapterWeights weights, TensorSpec tensor)
      throws IOException {
    Shape shape = new Shape(tensor.shape());
    Parameter parameter =
        new Parameter(
            List.of(tensor),
            manager.zeros(shape, DataType.FLOAT32),
            manager.zeros(shape, DataType.FLOAT32));
    TensorMemory.fill(parameter.value, memory -> weights.read(tensor, memory));
    return parameter;
  }

  /// Reads tensors that stay as they are, stacked in the order given.
  static Parameter frozen(
      NDManager manager, TorchOps ops, TernaryWeights weights, List<TensorSpec> tensors)
      throws IOException {
    TensorSpec first = tensors.getFirst();
    int rows = tensors.stream().mapToInt(TensorSpec::rows).sum();
    Shape shape = first.isMatrix() ? new Shape(rows, first.columns()) : new Shape(rows);
    NDArray value = manager.zeros(shape, DataType.FLOAT32);
    long start = 0;
    for (TensorSpec tensor : tensors) {
      int step = tensor.isMatrix() ? READ_ROWS : tensor.rows();
      for (int row = 0; row < tensor.rows(); row += step) {
        int from = row;
        int count = Math.min(step, tensor.rows() - row);
        try (NDArray part = ops.rows(manager, value, start + row, count)) {
          TensorMemory.fill(
              part,
              memory -> weights.readRows(tensor, from, tensor.isMatrix() ? count : 1, memory));
        }
      }
      start += tensor.rows();
    }
    return new Parameter(tensors, value, manager.create(new float[0]));
  }

  /// A parameter of zeros outside of a model, for example of a reward head. Weight decay does not
  /// act on it.
  ///
  /// @param count scalars
  public static Parameter zeros(NDManager manager, String name, int count) {
    Shape shape = new Shape(count);
    return new Parameter(
        List.of(new TensorSpec(name, count, 0, TensorSpec.Kind.NORM)),
        manager.zeros(shape, DataType.FLOAT32),
        manager.zeros(shape, DataType.FLOAT32));
  }

  private void read(LatentWeights weights) throws IOException {
    TensorMemory.fill(
        value,
        memory -> {
          for (TensorSpec tensor : tensors) {
            weights.read(tensor, slice(memory, tensor));
          }
        });
  }

  private MemorySegment slice(MemorySegment memory, TensorSpec tensor) {
    long offset = 0;
    for (TensorSpec before : tensors.subList(0, tensors.indexOf(tensor))) {
      offset += before.count() * Float.BYTES;
    }
    return memory.asSlice(offset, tensor.count() * Float.BYTES);
  }

  /// The state-dict tensors that are stacked in it.
  public List<TensorSpec> tensors() {
    return tensors;
  }

  /// A name of its own: those of its tensors, joined.
  public String name() {
    return tensors.stream().map(TensorSpec::name).collect(Collectors.joining("+"));
  }

  /// The latent values, `[rows, columns]` or `[rows]`.
  public NDArray value() {
    return value;
  }

  /// The gradient, of the shape of the value, or without elements where the parameter is frozen;
  /// zeroed by the optimizer step.
  public NDArray gradient() {
    return gradient;
  }

  /// Whether it is not trained.
  boolean isFrozen() {
    return gradient.size() == 0;
  }

  /// Whether weight decay applies: to matrices, not to norm gains.
  public boolean isDecayed() {
    return tensors.getFirst().isMatrix();
  }

  /// The rows of each stacked tensor.
  long[] blocks() {
    return tensors.stream().mapToLong(TensorSpec::rows).toArray();
  }

  /// Copies one stacked tensor's latent values out.
  ///
  /// @param tensor one of `tensors()`
  /// @param target room for `tensor.count()` floats
  void copyTo(TensorSpec tensor, MemorySegment target) {
    target.copyFrom(slice(TensorMemory.of(value), tensor));
  }
}
