package bitnet.runtime;

import bitnet.kernel.FloatMatrix;
import bitnet.kernel.GroupTernaryMatrix;
import bitnet.kernel.TernaryKernels;
import bitnet.kernel.TernaryMatrix;
import bitnet.kernel.ThreadTeam;
import bitnet.kernel.WeightMatrix;
import bitnet.model.AdapterWeights;
import bitnet.model.AttentionVariant;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The weights of one decoder layer. Projections with the same input are one matrix; norms inside
/// them make their inputs different, and so them separate.
///
/// @param attentionNorm `[hidden]`
/// @param queryKeyValue hidden → `(heads + 2 kvHeads) * headDim`: one, or q, k and v
/// @param attention what only some families have
/// @param output `heads * headDim` → hidden
/// @param feedForwardNorm `[hidden]`
/// @param gateUp hidden → `2 * intermediate`: one, or gate and up
/// @param feedForwardSubNorm `[intermediate]`, where the model has one
/// @param down intermediate → hidden
record RuntimeLayer(
    MemorySegment attentionNorm,
    List<RuntimeLinear> queryKeyValue,
    AttentionVectors attention,
    RuntimeLinear output,
    MemorySegment feedForwardNorm,
    List<RuntimeLinear> gateUp,
    @Nullable MemorySegment feedForwardSubNorm,
    RuntimeLinear down) {

  /// Every linear layer, in the order of their use.
  List<RuntimeLinear> linears() {
    List<RuntimeLinear> linears = new ArrayList<>(queryKeyValue);
    linears.add(output);
    linears.addAll(gateUp);
    linears.add(down);
    return linears;
  }

  /// Reads and packs layers.
  static final class Loader {
    private static final List<String> QUERY_KEY_VALUE =
        List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj");
    private static final List<String> QUERY_KEY_VALUE_BIASES =
        List.of("q_proj.bias", "k_proj.bias", "v_proj.bias");
    private static final List<String> GATE_UP = List.of("mlp.gate_proj", "mlp.up_proj");

    private static final String WEIGHT = ".weight";

    private final TernaryWeights weights;
    private final Map<String, TensorSpec> specs;
    private final TernaryKernels kernels;
    private final Arena arena;
    private final ThreadTeam team;
    private final @Nullable AdapterWeights adapter;

    Loader(
        TernaryWeights weights,
        Map<String, TensorSpec> specs,
        TernaryKernels kernels,
        Arena arena,
        ThreadTeam team,
        @Nullable AdapterWeights adapter) {
      this.weights = weights;
      this.specs = specs;
      this.kernels = kernels;
      this.arena = arena;
      this.team = team;
      this.adapter = adapter;
    }

    RuntimeLayer load(int layer) throws IOException {
      String prefix = prefix(layer);
      boolean subNorms = weights.config().subNorms();
      return new RuntimeLayer(
          norm(prefix + "input_layernorm"),
          pack(prefix, QUERY_KEY_VALUE),
          attention(prefix + "self_attn."),
          pack(List.of(spec(prefix + "self_attn.o_proj")), 0),
          norm(prefix + "post_attention_layernorm"),
          pack(prefix, GATE_UP),
          subNorms ? norm(prefix + "mlp.ffn_sub_norm") : null,
          pack(List.of(spec(prefix + "mlp.down_proj")), 0));
    }

    /// Puts other weights of the same model in a layer's place.
    void reload(int layer, RuntimeLayer target) throws IOException {
      reloadNorms(layer, target);
      for (RuntimeLinear linear : target.linears()) {
        fill(linear.matrix(), linear.tensors());
      }
    }

    /// Puts the adapter in place of another one of the same dimensions.
    void reloadAdapter(int layer, RuntimeLayer target) throws IOException {
      reloadNorms(layer, target);
      for (RuntimeLinear linear : target.linears()) {
        if (linear.adapter() != null && adapter != null) {
          linear.adapter().read(adapter);
        }
      }
    }

    /// Reads the gains and biases of a layer again.
    private void reloadNorms(int layer, RuntimeLayer target) throws IOException {
      String prefix = prefix(layer);
      readNorm(prefix + "input_layernorm", target.attentionNorm);
      readNorm(prefix + "post_attention_layernorm", target.feedForwardNorm);
      if (target.feedForwardSubNorm != null) {
        readNorm(prefix + "mlp.ffn_sub_norm", target.feedForwardSubNorm);
      }
      readAttention(prefix + "self_attn.", target.attention);
      for (RuntimeLinear linear : target.linears()) {
        if (linear.norm() != null) {
          readNorm(innerNorm(linear.tensors()), linear.norm());
        }
      }
    }

    private AttentionVectors attention(String prefix) throws IOException {
      LlamaConfig config = weights.config();
      AttentionVariant variant = config.heads().variant();
      AttentionVectors vectors =
          new AttentionVectors(
              config.subNorms() ? floats(config.queryWidth()) : null,
              variant.queryKeyNorms()
                  ? new AttentionVectors.HeadNorms(
                      floats(config.headDim()), floats(config.headDim()))
                  : null,
              variant.inputBiases()
                  ? floats(config.queryWidth() + 2 * config.keyValueWidth())
                  : null,
              variant.outputBias() ? floats(config.hiddenSize()) : null);
      readAttention(prefix, vectors);
      return vectors;
    }

    private MemorySegment floats(int count) {
      return arena.allocate((long) count * Float.BYTES, 64);
    }

    private void readAttention(String prefix, AttentionVectors target) throws IOException {
      if (target.subNorm() != null) {
        readNorm(prefix + "attn_sub_norm", target.subNorm());
      }
      if (target.headNorms() != null) {
        readNorm(prefix + "q_norm", target.headNorms().query());
        readNorm(prefix + "k_norm", target.headNorms().key());
      }
      if (target.inputBias() != null) {
        long offset = 0;
        for (String name : QUERY_KEY_VALUE_BIASES) {
          TensorSpec bias = named(prefix + name);
          long bytes = bias.count() * Float.BYTES;
          weights.readRows(bias, 0, 1, target.inputBias().asSlice(offset, bytes));
          offset += bytes;
        }
      }
      if (target.outputBias() != null) {
        weights.readRows(named(prefix + "o_proj.bias"), 0, 1, target.outputBias());
      }
    }

    private static String prefix(int layer) {
      return "model.layers.%d.".formatted(layer);
    }

    /// Layers that read the same stream: one where no norm stands inside them, else each.
    private List<RuntimeLinear> pack(String prefix, List<String> names) throws IOException {
      List<TensorSpec> tensors = names.stream().map(name -> spec(prefix + name)).toList();
      if (!weights.config().linearNorms()) {
        return List.of(pack(tensors, 0));
      }
      List<RuntimeLinear> linears = new ArrayList<>();
      for (TensorSpec tensor : tensors) {
        linears.add(pack(List.of(tensor), linears.isEmpty() ? 0 : RuntimeLinear.width(linears)));
      }
      return List.copyOf(linears);
    }

    private RuntimeLinear pack(List<TensorSpec> tensors, int column) throws IOException {
      WeightMatrix matrix;
      if (weights.isDense()) {
        int rows = tensors.stream().mapToInt(TensorSpec::rows).sum();
        matrix = new FloatMatrix(rows, tensors.getFirst().columns(), arena);
        fill(matrix, tensors);
      } else {
        List<TernaryRows> parts = parts(tensors);
        matrix =
            weights.config().hasGroupScales()
                ? GroupTernaryMatrix.pack(kernels, parts, arena, team)
                : TernaryMatrix.pack(kernels, parts, arena, team);
      }
      weights.unload(); // what was packed need not be in memory twice
      return new RuntimeLinear(
          tensors,
          matrix,
          weights.config().linearNorms() ? norm(innerNorm(tensors)) : null,
          column,
          adapter == null ? null : RuntimeAdapter.of(adapter, tensors, arena).orElse(null));
    }

    /// Reads layers into a matrix, one below the other.
    private void fill(WeightMatrix matrix, List<TensorSpec> tensors) throws IOException {
      switch (matrix) {
        case TernaryMatrix ternary -> ternary.repack(parts(tensors), team);
        case GroupTernaryMatrix ternary -> ternary.repack(parts(tensors), team);
        case FloatMatrix floats -> {
          int row = 0;
          for (TensorSpec tensor : tensors) {
            weights.readRows(tensor, 0, tensor.rows(), floats.rowSlice(row, tensor.rows()));
            row += tensor.rows();
          }
        }
      }
    }

    private List<TernaryRows> parts(List<TensorSpec> tensors) throws IOException {
      List<TernaryRows> parts = new ArrayList<>();
      for (TensorSpec tensor : tensors) {
        parts.add(weights.ternary(tensor));
      }
      return parts;
    }

    private static String innerNorm(List<TensorSpec> tensors) {
      String name = LlamaConfig.linearNormName(tensors.getFirst().name());
      return name.substring(0, name.length() - WEIGHT.length());
    }

    MemorySegment norm(String name) throws IOException {
      MemorySegment gain = arena.allocate(spec(name).count() * Float.BYTES, 64);
      readNorm(name, gain);
      return gain;
    }

    /// Reads a gain: the adapter's, where that has one.
    void readNorm(String name, MemorySegment target) throws IOException {
      if (adapter != null && adapter.settings().norms()) {
        adapter.read(spec(name), target);
      } else {
        weights.readRows(spec(name), 0, 1, target);
      }
    }

    TensorSpec spec(String name) {
      return named(name + WEIGHT);
    }

    private TensorSpec named(String name) {
      TensorSpec spec = specs.get(name);
      if (spec == null) {
        throw new IllegalStateException("no tensor is called " + name);
      }
      return spec;
    }
  }
}
