package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import bitnet.model.LlamaConfig;
import bitnet.model.RotaryTable;

/// The [RotaryTable] of a model's whole context, on its device.
final class RotaryEmbedding {

  /// Cosines and sines of consecutive positions, `[seq, headDim / 2]`, or of any, `[batch, 1, seq,
  /// headDim / 2]`.
  record Angles(NDArray cos, NDArray sin) {}

  private final NDArray cos; // [context, headDim / 2]
  private final NDArray sin;

  RotaryEmbedding(NDManager manager, LlamaConfig config) {
    RotaryTable table = RotaryTable.of(config, config.contextLength());
    Shape shape = new Shape(table.positions(), table.half());
    cos = manager.create(table.cos(), shape);
    sin = manager.create(table.sin(), shape);
  }

  /// The angles of positions `start` to `start + seq - 1`, as views owned by `scope`.
  Angles angles(TorchOps ops, NDManager scope, long start, long seq) {
    return new Angles(ops.rows(scope, cos, start, seq), ops.rows(scope, sin, start, seq));
  }

  /// The angles of any positions.
  ///
  /// @param positions `[batch, seq]`, int64
  Angles angles(TorchOps ops, NDManager scope, NDArray positions) {
    return new Angles(select(ops, scope, cos, positions), select(ops, scope, sin, positions));
  }

  private static NDArray select(TorchOps ops, NDManager scope, NDArray table, NDArray positions) {
    Shape shape = positions.getShape();
    long half = table.getShape().get(1);
    NDArray flat = positions.reshape(shape.size());
    flat.attach(scope);
    NDArray rows = ops.selectRows(scope, table, flat);
    NDArray angles = rows.reshape(shape.get(0), 1, shape.get(1), half);
    angles.attach(scope);
    return angles;
  }
}
