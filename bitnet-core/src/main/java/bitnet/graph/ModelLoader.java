package bitnet.graph;

import ai.djl.ndarray.NDManager;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Builds the parts of a [LlamaModel] from named weights.
abstract sealed class ModelLoader {
  private final LlamaConfig config;
  private final Map<String, TensorSpec> specs = new LinkedHashMap<>();

  private ModelLoader(LlamaConfig config) {
    this.config = config;
    config.tensors().forEach(spec -> specs.put(spec.name(), spec));
  }

  LlamaConfig config() {
    return config;
  }

  /// Reads parameters, stacked in the order given.
  abstract Parameter parameter(String... names) throws IOException;

  /// Reads linear layers that read the same input, with the norm before them.
  abstract Projection linear(@Nullable RmsNorm norm, String... names) throws IOException;

  List<TensorSpec> specs(String... names) {
    List<TensorSpec> found = new ArrayList<>();
    for (String name : names) {
      TensorSpec spec = specs.get(name);
      if (spec == null) {
        throw new IllegalStateException("no tensor is called " + name);
      }
      found.add(spec);
    }
    return found;
  }

  RmsNorm norm(String name) throws IOException {
    return new RmsNorm(parameter(name), config.rmsNormEpsilon());
  }

  /// @param norm before the layers, where there is one
  /// @param names of layers that read the same input
  private Projection projection(@Nullable String norm, String... names) throws IOException {
    RmsNorm before = norm == null ? null : norm(norm);
    if (config.linearNormEpsilon().isEmpty()) {
      return linear(before, names);
    }
    List<Projection> parts = new ArrayList<>();
    for (String name : names) {
      Parameter gain = parameter(LlamaConfig.linearNormName(name));
      parts.add(linear(new RmsNorm(gain, config.linearNormEpsilon().getAsDouble()), name));
    }
    return new Projection.Separate(before, parts);
  }

  private @Nullable Parameter inputBias(String attention) throws IOException {
    return config.heads().variant().inputBiases()
        ? parameter(attention + "q_proj.bias", attention + "k_proj.bias", attention + "v_proj.bias")
        : null;
  }

  private @Nullable HeadNorms headNorms(String attention) throws IOException {
    return config.heads().variant().queryKeyNorms()
        ? new HeadNorms(
            parameter(attention + "q_norm.weight"), parameter(attention + "k_norm.weight"))
        : null;
  }

  DecoderLayer layer(int number) throws IOException {
    String prefix = "model.layers.%d.".formatted(number);
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
                config.subNorms() ? mlp + "ffn_sub_norm.weight" : null, mlp + "down_proj.weight")));
  }

  /// All weights are trained, from fp32 latents.
  static final class Latent extends ModelLoader {
    private final LatentWeights weights;
    private final NDManager manager;
    private final TorchOps ops;
    private final ComputeType type;
    private final Map<TensorSpec, Parameter> parameters = new LinkedHashMap<>();
    private final List<BitLinear> linears = new ArrayList<>();

    Latent(LatentWeights weights, NDManager manager, TorchOps ops, ComputeType type) {
      super(weights.config());
      this.weights = weights;
      this.manager = manager;
      this.ops = ops;
      this.type = type;
    }

    @Override
    Parameter parameter(String... names) throws IOException {
      List<TensorSpec> stacked = specs(names);
      Parameter parameter = Parameter.load(manager, weights, stacked);
      stacked.forEach(spec -> parameters.put(spec, parameter));
      return parameter;
    }

    @Override
    Projection linear(@Nullable RmsNorm norm, String... names) throws IOException {
      BitLinear linear =
          new BitLinear(manager, ops, type, parameter(names), config().weights().scaleColumns());
      linears.add(linear);
      return new Projection.Shared(norm, linear);
    }

    /// Every parameter that was read, by its tensors.
    Map<TensorSpec, Parameter> parameters() {
      return parameters;
    }

    /// Every linear layer that was read.
    List<BitLinear> linears() {
      return linears;
    }
  }

  /// The weights stay as they are; only an adapter is trained.
  static final class Frozen extends ModelLoader {
    private final LoraModel lora;

    Frozen(LoraModel lora) {
      super(lora.config());
      this.lora = lora;
    }

    @Override
    Parameter parameter(String... names) throws IOException {
      return lora.parameter(specs(names));
    }

    @Override
    Projection linear(@Nullable RmsNorm norm, String... names) throws IOException {
      return lora.linear(norm, specs(names));
    }
  }
}
