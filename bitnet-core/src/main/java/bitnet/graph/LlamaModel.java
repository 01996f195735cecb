package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A LLaMA decoder whose linear layers are ternary, with its gradients, on DJL's PyTorch engine:
/// what `LlamaForCausalLM` and `BitNetForCausalLM` compute with `bitnet` quantization, online.
///
/// Not thread-safe: one thread computes, after [TorchOps#prepareThread].
public final class LlamaModel implements LatentWeights, AutoCloseable {

  private final LlamaConfig config;
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

  private LlamaModel(LatentWeights weights, NDManager manager, ComputeType type)
      throws IOException {
    this.config = weights.config();
    this.manager = manager;
    this.type = type;
    this.ops = new TorchOps(manager);
    this.rotary = new RotaryEmbedding(manager, config);
    this.causal = manager.create(new float[0]);
    Loader loader = new Loader(weights);
    embedding = loader.parameter("model.embed_tokens.weight");
    for (int layer = 0; layer < config.layerCount(); layer++) {
      layers.add(loader.layer("model.layers.%d.".formatted(layer)));
    }
    finalNorm = loader.norm("model.norm.weight");
    head = config.tiedHead() ? embedding : loader.parameter("lm_head.weight");
    ternarize();
  }

  /// Reads the weights into memory.
  ///
  /// @param parent the model's memory belongs to a sub-manager of it, on its device
  /// @throws IOException if a weight is missing or damaged
  public static LlamaModel load(LatentWeights weights, NDManager parent, ComputeType type)
      throws IOException {
    NDManager manager = parent.newSubManager();
    try {
      return new LlamaModel(weights, manager, type);
    } catch (IOException | RuntimeException e) {
      manager.close();
      throw e;
    }
  }

  /// Builds the parts from named weights.
  private final class Loader {
    private final LatentWeights weights;
    private final Map<String, TensorSpec> specs = new LinkedHashMap<>();

    Loader(LatentWeights weights) {
      this.weights = weights;
      config.tensors().forEach(spec -> specs.put(spec.name(), spec));
    }

    Parameter parameter(String... names) throws IOException {
      List<TensorSpec> stacked = new ArrayList<>();
      for (String name : names) {
        TensorSpec spec = specs.get(name);
        if (spec == null) {
          throw new IllegalStateException("no tensor is called " + name);
        }
        stacked.add(spec);
      }
      Parameter parameter = Parameter.load(manager, weights, stacked);
      stacked.forEach(spec -> parameters.put(spec, parameter));
      return parameter;
    }

    RmsNorm norm(String name) throws IOException {
      return new RmsNorm(parameter(name), config.rmsNormEpsilon());
    }

    BitLinear linear(String... names) throws IOException {
      BitLinear linear =
          new BitLinear(manager, ops, type, parameter(names), config.weights().scaleColumns());
      linears.add(linear);
      return linear;
    }

    /// @param norm before the layers, where there is one
    /// @param names of layers that read the same input
    Projection projection(@Nullable String norm, String... names) throws IOException {
      RmsNorm before = norm == null ? null : norm(norm);
      if (config.linearNormEpsilon().isEmpty()) {
        return new Projection.Shared(before, linear(names));
      }
      List<Projection.Separate.NormedLinear> parts = new ArrayList<>();
      for (String name : names) {
        Parameter gain = parameter(LlamaConfig.linearNormName(name));
        RmsNorm inner = new RmsNorm(gain, config.linearNormEpsilon().getAsDouble());
        parts.add(new Projection.Separate.NormedLinear(inner, linear(name)));
      }
      return new Projection.Separate(before, parts);
    }

    @Nullable Parameter inputBias(String attention) throws IOException {
      return config.heads().variant().inputBiases()
          ? parameter(
              attention + "q_proj.bias", attention + "k_proj.bias", attention + "v_proj.bias")
          : null;
    }

    @Nullable HeadNorms headNorms(String attention) throws IOException {
      return config.heads().variant().queryKeyNorms()
          ? new HeadNorms(
              parameter(attention + "q_norm.weight"), parameter(attention + "k_norm.weight"))
          : null;
    }

    DecoderLayer layer(String prefix) throws IOException {
      String attention = prefix + "self_attn.";
      String mlp = prefix + "mlp.";
      return new DecoderLayer(
          new Attention(
              projection(
                  prefix + "input_layernorm.weight",
                  attention + "q_proj.weight",
                  attention + "k_proj.weight",
                  attention + "v_proj.weight"),
              inputBias(attention),
              headNorms(attention),
              projection(
                  config.subNorms() ? attention + "attn_sub_norm.weight" : null,
                  attention + "o_proj.weight"),
              config.heads().variant().outputBias() ? parameter(attention + "o_proj.bias") : null),
          new FeedForward(
              projection(
                  prefix + "post_attention_layernorm.weight",
                  mlp + "gate_proj.weight",
                  mlp + "up_proj.weight"),
              projection(
                  config.subNorms() ? mlp + "ffn_sub_norm.weight" : null,
                  mlp + "down_proj.weight")));
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

  /// Every trainable tensor once, in a fixed order.
  public List<Parameter> parameters() {
    return parameters.values().stream().distinct().toList();
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
    return new ForwardPass(this, context(scope, batch, 0, seq), scope, flat, keep);
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
        new GraphContext(ops, config, type, angles, mask, batch, sharpness),
        scope,
        flat,
        keep);
  }

  private GraphContext context(NDManager scope, long batch, long start, long seq) {
    if (start + seq > config.contextLength()) {
      throw new IllegalArgumentException(
          "%d tokens do not fit the model's context of %d; shorten the text"
              .formatted(start + seq, config.contextLength()));
    }
    return new GraphContext(
        ops, config, type, rotary.angles(ops, scope, start, seq), causal, batch, sharpness);
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
      GraphContext context = context(step, batch, cache.length(), seq);
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
      throw new IllegalArgumentException("the model has no tensor " + tensor.name());
    }
    parameter.copyTo(tensor, target);
  }

  @Override
  public void close() {
    manager.close();
  }
}
