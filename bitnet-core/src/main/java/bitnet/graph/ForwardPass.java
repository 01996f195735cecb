package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One pass of token ids through the decoder, kept so that gradients can flow back through it.
///
/// The layers are chained by explicit upstream gradients, a layer at a time; that is why activation
/// checkpointing is only a matter of what is kept: everything, or each layer's input, from which
/// [#backward] computes the layer again.
public final class ForwardPass implements AutoCloseable {

  /// What a pass keeps for its gradient.
  public enum Keep {
    /// Nothing: evaluation.
    NOTHING,
    /// The layers' inputs: activation checkpointing, a third more time, a fraction of the memory.
    LAYER_INPUTS,
    /// Everything.
    ALL
  }

  /// One layer's share: its own manager, its input, and what its gradient needs if that is kept.
  private record Kept(NDManager scope, NDArray input, DecoderLayer.@Nullable Saved saved) {}

  private final LlamaModel model;
  private final GraphContext context;
  private final NDManager manager;
  private final NDArray ids; // [tokens]
  private final List<Kept> kept = new ArrayList<>();
  private final NDArray last; // [tokens, hidden], before the final norm
  private final TorchOps.PerToken hidden;

  ForwardPass(LlamaModel model, GraphContext context, NDManager manager, NDArray ids, Keep keep) {
    this.model = model;
    this.context = context;
    this.manager = manager;
    this.ids = ids;
    NDArray x = context.ops().selectRows(manager, model.effectiveEmbedding(), ids);
    for (DecoderLayer layer : model.layers()) {
      x = advance(layer, x, keep);
    }
    last = x;
    hidden = model.finalNorm().forward(context, manager, last);
  }

  private NDArray advance(DecoderLayer layer, NDArray x, Keep keep) {
    NDManager scope = manager.newSubManager();
    DecoderLayer.Result result = layer.forward(context, scope, x);
    NDArray y = result.y();
    y.attach(manager);
    switch (keep) {
      case ALL -> kept.add(new Kept(scope, x, result.saved()));
      case LAYER_INPUTS -> {
        scope.close();
        kept.add(new Kept(manager.newSubManager(), x, null));
      }
      case NOTHING -> {
        scope.close();
        x.close();
      }
    }
    return y;
  }

  /// The decoder's output after the final norm, `[tokens, hidden]`.
  public NDArray hidden() {
    return hidden.values();
  }

  /// Adds the gradients of all parameters but the head.
  ///
  /// @param dHidden the gradient of [#hidden], `[tokens, hidden]`
  /// @throws IllegalStateException if the pass kept nothing, or was used before
  public void backward(NDArray dHidden) {
    if (kept.size() != model.layers().size()) {
      throw new IllegalStateException("this pass kept nothing to flow back through");
    }
    NDArray dy = model.finalNorm().backward(context, manager, dHidden, last, hidden.factor());
    for (int i = kept.size() - 1; i >= 0; i--) {
      dy = back(model.layers().get(i), kept.removeLast(), dy);
    }
    context.ops().addRows(manager, dy, ids, model.embedding().gradient());
  }

  private NDArray back(DecoderLayer layer, Kept entry, NDArray dy) {
    try (NDManager scope = entry.scope()) {
      DecoderLayer.Saved saved = entry.saved();
      if (saved == null) {
        saved = layer.forward(context, scope, entry.input()).saved();
      }
      NDArray dx = layer.backward(context, scope, dy, saved);
      dx.attach(manager);
      dy.close();
      entry.input().close();
      return dx;
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
