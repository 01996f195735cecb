package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import bitnet.model.AdapterWeights;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A LLaMA decoder whose linear layers are ternary, with its gradients, on DJL's PyTorch engine:
/// what `LlamaForCausalLM` and `BitNetForCausalLM` compute with `bitnet` quantization, online.
///
/// Not thread-safe: one thread computes, after [TorchOps#prepareThread].
public final class LlamaModel implements LatentWeights, AutoCloseable {

  private final LlamaConfig config;
  private final @Nullable LoraModel lora;
  private final NDManager manager;
  private final TorchOps ops;
  private final ComputeType type;
  private final RotaryEmbedding rotary;
  private final Map<TensorSpec, Parameter> parameters = new LinkedHashMap<>();
  private final NDArray causal; // no mask
  private final Parameter embedding;
  private final List<DecoderLayer> layers = new ArrayList<>();
  private final List<BitLinear> linears = new ArrayList<>();
  private final RmsNorm finalNorm;
  private final Parameter head;
  private @Nullable NDArray ternaryEmbedding;
  private @Nullable NDArray ternaryHead;
  private double sharpness = 1;

  private LlamaModel(
      ModelLoader loader,
      @Nullable LoraModel lora,
      NDManager manager,
      TorchOps ops,
      ComputeType type)
      throws IOException {
    this.config = loader.config();
    this.lora = lora;
    this.manager = manager;
    this.type = type;
    this.ops = ops;
    this.rotary = new RotaryEmbedding(manager, config);
    this.causal = manager.create(new float[0]);
    embedding = loader.parameter("model.embed_tokens.weight");
    for (int layer = 0; layer < config.layerCount(); layer++) {
      layers.add(loader.layer(layer));
    }
    finalNorm = loader.norm("model.norm.weight");
    head = config.tiedHead() ? embedding : loader.parameter("lm_head.weight");
  }

  /// Reads the weights into memory.
  ///
  /// @param parent the model's memory belongs to a sub-manager of it, on its device
  /// @throws IOException if a weight is missing or damaged
  public static LlamaModel load(LatentWeights weights, NDManager parent, ComputeType type)
      throws IOException {
    NDManager manager = parent.newSubManager();
    try {
      TorchOps ops = new TorchOps(manager);
      ModelLoader.Latent loader = new ModelLoader.Latent(weights, manager, ops, type);
      LlamaModel model = new LlamaModel(loader, null, manager, ops, type);
      model.parameters.putAll(loader.parameters());
      model.linears.addAll(loader.linears());
      model.ternarize();
      return model;
    } catch (IOException | RuntimeException e) {
      manager.close();
      throw e;
    }
  }

  /// Reads a frozen base, whose linear layers stay packed, and an adapter, which is all that is
  /// trained. The forward pass has the numbers of the packed runtime.
  ///
  /// @param adapter where training starts
  /// @param threads that multiply
  /// @param parent the model's memory belongs to a sub-manager of it, on the processor
  /// @throws IllegalArgumentException if the manager is a GPU's, or the base is not ternary
  /// @throws IOException if a weight is missing or damaged
  public static LlamaModel load(
      TernaryWeights base, AdapterWeights adapter, int threads, NDManager parent, ComputeType type)
      throws IOException {
    requirePackable(base, parent);
    NDManager manager = parent.newSubManager();
    TorchOps ops = new TorchOps(manager);
    LoraModel lora = new LoraModel(base, adapter, manager, ops, threads);
    try {
      return new LlamaModel(new ModelLoader.Frozen(lora), lora, manager, ops, type);
    } catch (IOException | RuntimeException e) {
      lora.close();
      manager.close();
      throw e;
    }
  }

  private static void requirePackable(TernaryWeights base, NDManager manager) {
    if (manager.getDevice().isGpu()) {
      throw new IllegalArgumentException(
          "an adapter on a packed base computes on the processor; use `device` cpu");
    }
    if (base.isDense()) {
      throw new IllegalArgumentException(
          "an adapter needs a ternary base, and this one is computed in full precision");
    }
  }

  @Override
  public LlamaConfig config() {
    return config;
  }

  /// The tensor functions on this model's device.
  public TorchOps ops() {
    return ops;
  }

  /// The number format of its products.
  public ComputeType computeType() {
    return type;
  }

  /// The manager that owns the weights; sub-managers of it scope a pass.
  public NDManager manager() {
    return manager;
  }

  /// The adapter as it is now, of a model on a frozen base.
  public Optional<AdapterWeights> adapter() {
    return Optional.ofNullable(lora);
  }

  /// The frozen base of a model with an adapter; valid as long as the weights that it was read
  /// from.
  public Optional<TernaryWeights> base() {
    return Optional.ofNullable(lora).map(LoraModel::weights);
  }

  /// Makes dropout in the passes that follow a function of two numbers, so that a resumed run draws
  /// the same masks.
  public void seedDropout(long seed, long step) {
    if (lora != null) {
      lora.seedDropout(Dropout.mix(seed) + step);
    }
  }

  /// Every trainable tensor once, in a fixed order.
  public List<Parameter> parameters() {
    return lora != null ? lora.parameters() : parameters.values().stream().distinct().toList();
  }

  /// The output head `[vocab, hidden]`; the embedding where it is tied.
  public Parameter head() {
    return head;
  }

  Parameter embedding() {
    return embedding;
  }

  List<DecoderLayer> layers() {
    return layers;
  }

  List<BitLinear> linears() {
    return linears;
  }

  RmsNorm finalNorm() {
    return finalNorm;
  }

  /// The embedding that the forward pass looks up: the latent one, or its ternary values.
  NDArray effectiveEmbedding() {
    return ternaryEmbedding == null ? embedding.value() : ternaryEmbedding;
  }

  /// The head that the forward pass multiplies with.
  public NDArray effectiveHead() {
    if (config.tiedHead()) {
      return effectiveEmbedding();
    }
    return ternaryHead == null ? head.value() : ternaryHead;
  }

  /// Makes the ternary weights from the latent ones; to be called whenever those have changed.
  public void ternarize() {
    ternarize(1);
  }

  /// Makes weights that are only part of the way to ternary, and quantizes activations as far:
  /// the warm-up `x + sharpness * (Q(x) - x)` for models that were trained in full precision.
  ///
  /// @param sharpness from 0, full precision, to 1, ternary
  public void ternarize(double sharpness) {
    if (!(sharpness >= 0 && sharpness <= 1)) {
      throw new IllegalArgumentException("sharpness %s is not from 0 to 1".formatted(sharpness));
    }
    if (lora != null) {
      if (sharpness != 1) {
        throw new IllegalArgumentException(
            "packed weights are ternary already; leave quant_warmup out");
      }
      return;
    }
    this.sharpness = sharpness;
    try (NDManager scope = manager.newSubManager()) {
      linears.forEach(linear -> linear.ternarize(ops, scope, sharpness));
      if (config.ternaryEmbeddings()) {
        ternaryEmbedding = vocabulary(scope, embedding, ternaryEmbedding, sharpness);
      }
      if (config.ternaryHead()) {
        ternaryHead = vocabulary(scope, head, ternaryHead, sharpness);
      }
    }
  }

  /// The ternary values of an embedding or a head.
  private NDArray vocabulary(
      NDManager scope, Parameter latent, @Nullable NDArray before, double sharpness) {
    int columns = config.weights().scaleColumns();
    if (columns == 0) {
      if (before != null) {
        before.close();
      }
      return ops.ternarizeRows(manager, latent.value());
    }
    NDArray products =
        before == null ? manager.zeros(latent.value().getShape(), DataType.FLOAT32) : before;
    ops.ternarizeGroups(scope, latent.value(), columns, sharpness, products);
    return products;
  }

  /// Runs a batch of sequences through the decoder.
  ///
  /// @param ids `[batch, seq]`, int64, seq at most the context length
  /// @param keep what is kept for [ForwardPass#backward]
  public ForwardPass forward(NDArray ids, ForwardPass.Keep keep) {
    long batch = ids.getShape().get(0);
    long seq = ids.getShape().get(1);
    NDManager scope = manager.newSubManager();
    NDArray flat = ids.reshape(new Shape(batch * seq));
    flat.attach(scope);
    return new ForwardPass(this, context(scope, batch, 0, seq, keep), scope, flat, keep);
  }

  /// Runs a batch of trees of tokens through the decoder: texts that begin alike stand in one
  /// sequence, with their common beginning once.
  ///
  /// @param ids `[batch, seq]`, int64
  /// @param positions the place of each token in its text, `[batch, seq]`, int64, each below the
  ///     context length
  /// @param mask `[batch, 1, seq, seq]`, added to attention's scores: 0 where the row's token may
  ///     look at the column's, far below 0 elsewhere
  /// @param keep what is kept for [ForwardPass#backward]
  public ForwardPass forward(NDArray ids, NDArray positions, NDArray mask, ForwardPass.Keep keep) {
    long batch = ids.getShape().get(0);
    NDManager scope = manager.newSubManager();
    NDArray flat = ids.reshape(new Shape(ids.getShape().size()));
    flat.attach(scope);
    RotaryEmbedding.Angles angles = rotary.angles(ops, scope, positions);
    return new ForwardPass(
        this,
        new GraphContext(ops, config, type, angles, mask, batch, sharpness, dropout(keep)),
        scope,
        flat,
        keep);
  }

  private @Nullable Dropout dropout(ForwardPass.Keep keep) {
    return lora == null ? null : lora.dropout(keep);
  }

  private GraphContext context(
      NDManager scope, long batch, long start, long seq, ForwardPass.Keep keep) {
    if (start + seq > config.contextLength()) {
      throw new IllegalArgumentException(
          "%d tokens do not fit the model's context of %d; shorten the text"
              .formatted(start + seq, config.contextLength()));
    }
    RotaryEmbedding.Angles angles = rotary.angles(ops, scope, start, seq);
    return new GraphContext(ops, config, type, angles, causal, batch, sharpness, dropout(keep));
  }

  /// Logits of every position, `[batch * seq, vocab]`, owned by `scope`.
  public NDArray logits(NDManager scope, NDArray ids) {
    try (ForwardPass pass = forward(ids, ForwardPass.Keep.NOTHING)) {
      return ops.linear(scope, pass.hidden(), effectiveHead());
    }
  }

  /// An empty cache for [#decode].
  ///
  /// @param capacity tokens of prompt and completion together
  public GraphCache newCache(int batch, int capacity) {
    return new GraphCache(manager, config, batch, Math.min(capacity, config.contextLength()));
  }

  /// Runs new tokens behind those in the cache and adds them to it.
  ///
  /// @param ids `[batch, seq]` new tokens
  /// @return logits of the last position, `[batch, vocab]`, owned by `scope`
  public NDArray decode(NDManager scope, NDArray ids, GraphCache cache) {
    long batch = ids.getShape().get(0);
    long seq = ids.getShape().get(1);
    try (NDManager step = manager.newSubManager()) {
      GraphContext context = context(step, batch, cache.length(), seq, ForwardPass.Keep.NOTHING);
      NDArray flat = ids.reshape(new Shape(batch * seq));
      flat.attach(step);
      NDArray x = ops.selectRows(step, effectiveEmbedding(), flat);
      for (int i = 0; i < layers.size(); i++) {
        x = layers.get(i).decode(context, step, x, cache.layer(i), cache.length());
      }
      cache.append((int) seq);
      NDArray last = x.reshape(batch, seq, config.hiddenSize()).get(":, -1");
      last.attach(step);
      NDArray hidden = finalNorm.forward(context, step, last).values();
      return ops.linear(scope, hidden, effectiveHead());
    }
  }

  @Override
  public void read(TensorSpec tensor, MemorySegment target) {
    Parameter parameter = parameters.get(tensor);
    if (parameter == null) {
      throw new IllegalArgumentException("the model has no latent tensor " + tensor.name());
    }
    parameter.copyTo(tensor, target);
  }

  @Override
  public void close() {
    manager.close();
    if (lora != null) {
      lora.close();
    }
  }
}
