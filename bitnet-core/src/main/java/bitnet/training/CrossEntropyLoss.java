package bitnet.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import bitnet.data.TokenBatch;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.Parameter;
import java.util.List;
import java.util.stream.IntStream;

/// Next-token cross-entropy in nats, with its gradients: `-mean log p(target | inputs before it)`
/// over the targets that count.
public final class CrossEntropyLoss implements Objective<TokenBatch> {

  private final LlamaModel model;

  /// The loss of a model.
  public CrossEntropyLoss(LlamaModel model) {
    this.model = model;
  }

  /// What a batch gave.
  ///
  /// @param loss its mean, nats per token; 0 where no target counts
  /// @param forwardNanos time of the forward pass, the head's loss and gradient included
  /// @param backwardNanos time of the backward pass through the decoder
  public record Result(double loss, long forwardNanos, long backwardNanos) {}

  /// Adds the gradients of `weight * mean loss` to the model's parameters.
  ///
  /// @param weight 1, or the batch's share of all counted targets when the gradients of several
  ///     batches are accumulated
  /// @param keep what the pass keeps: everything, or the layers' inputs
  public Result accumulateTimed(TokenBatch batch, double weight, ForwardPass.Keep keep) {
    long begin = System.nanoTime();
    try (NDManager scope = model.manager().newSubManager();
        ForwardPass pass = forward(scope, batch, keep)) {
      NDArray dHidden = scope.zeros(pass.hidden().getShape(), DataType.FLOAT32);
      int counted = batch.counted();
      double sum = counted == 0 ? 0 : sum(scope, pass, batch, weight / counted, dHidden);
      long half = System.nanoTime();
      pass.backward(dHidden);
      return new Result(sum / Math.max(1, counted), half - begin, System.nanoTime() - half);
    }
  }

  @Override
  public double accumulate(TokenBatch batch, double weight, ForwardPass.Keep keep) {
    return accumulateTimed(batch, weight, keep).loss();
  }

  @Override
  public List<Parameter> parameters() {
    return model.parameters();
  }

  @Override
  public long items(TokenBatch batch) {
    return batch.counted();
  }

  @Override
  public long tokens(TokenBatch batch) {
    return batch.inputs().length;
  }

  @Override
  public String unit() {
    return "nats/token";
  }

  @Override
  public double sum(TokenBatch batch) {
    try (NDManager scope = model.manager().newSubManager();
        ForwardPass pass = forward(scope, batch, ForwardPass.Keep.NOTHING)) {
      return batch.counted() == 0 ? 0 : sum(scope, pass, batch, 0, pass.hidden());
    }
  }

  private double sum(
      NDManager scope, ForwardPass pass, TokenBatch batch, double weight, NDArray dHidden) {
    int[] targets = batch.targets();
    if (batch.counted() == targets.length) {
      return sum(scope, pass.hidden(), targets, weight, dHidden);
    }
    int[] indices =
        IntStream.range(0, targets.length)
            .filter(i -> targets[i] != TokenBatch.NO_TARGET)
            .toArray();
    NDArray rows = scope.create(longs(indices));
    NDArray hidden = model.ops().selectRows(scope, pass.hidden(), rows);
    NDArray dRows = scope.zeros(hidden.getShape(), DataType.FLOAT32);
    double sum =
        sum(scope, hidden, IntStream.of(indices).map(i -> targets[i]).toArray(), weight, dRows);
    if (weight > 0) {
      model.ops().addRows(scope, dRows, rows, dHidden);
    }
    return sum;
  }

  private double sum(
      NDManager scope, NDArray hidden, int[] targets, double weight, NDArray dHidden) {
    return model
        .ops()
        .crossEntropy(
            scope,
            hidden,
            model.effectiveHead(),
            scope.create(longs(targets)),
            model.computeType(),
            weight,
            dHidden,
            model.head().gradient())
        .getDouble();
  }

  private ForwardPass forward(NDManager scope, TokenBatch batch, ForwardPass.Keep keep) {
    Shape shape = new Shape(batch.batch(), batch.seq());
    NDArray ids = scope.create(longs(batch.inputs()), shape);
    if (!batch.isPacked()) {
      return model.forward(ids, keep);
    }
    return model.forward(
        ids,
        scope.create(batch.positions(), shape),
        scope.create(batch.attentionMask(), new Shape(batch.batch(), 1, batch.seq(), batch.seq())),
        keep);
  }

  private static long[] longs(int[] tokens) {
    long[] wide = new long[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      wide[i] = tokens[i];
    }
    return wide;
  }
}
