package bitnet.training;

import bitnet.graph.ForwardPass;
import bitnet.graph.Parameter;
import java.util.List;

/// What a trainer minimizes: the mean of a loss over the items of a batch, for example over target
/// tokens. An objective computes its own gradients; it does not update weights.
///
/// @param <B> a batch
public interface Objective<B> {

  /// The parameters that it has gradients for.
  List<Parameter> parameters();

  /// Adds the gradients of `weight * mean loss` to the parameters.
  ///
  /// @param batch with at least one item
  /// @param weight 1, or the batch's share of all items when the gradients of several batches are
  ///     accumulated
  /// @param keep what the forward pass keeps for the backward pass
  /// @return the mean loss
  double accumulate(B batch, double weight, ForwardPass.Keep keep);

  /// The summed loss of a batch, without gradients.
  double sum(B batch);

  /// The items of a batch; 0 if there is nothing to learn from it.
  long items(B batch);

  /// The tokens that a batch makes the model compute.
  long tokens(B batch);

  /// The unit of the loss, for people: for example `nats/token`.
  String unit();
}
