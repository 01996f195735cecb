package bitnet.graph;

import ai.djl.ndarray.NDManager;
import bitnet.model.AdapterWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a [LlamaModel] on a frozen base has besides its layers: the packed weights' products and
/// the parameters of the adapter, which are the only ones that are trained.
final class LoraModel implements AdapterWeights, AutoCloseable {
  private final TernaryWeights weights;
  private final AdapterWeights start;
  private final NDManager manager;
  private final TorchOps ops;
  private final FrozenProducts products;
  private final Map<TensorSpec, Parameter> parameters = new LinkedHashMap<>();
  private long dropoutKey;

  /// Reads nothing yet.
  ///
  /// @param base the frozen model; used while its parts are read
  /// @param start the adapter to start from; used while its parts are read
  LoraModel(
      TernaryWeights base, AdapterWeights start, NDManager manager, TorchOps ops, int threads) {
    this.weights = base;
    this.start = start;
    this.manager = manager;
    this.ops = ops;
    this.products = new FrozenProducts(base.config(), manager, threads);
  }

  /// The base.
  TernaryWeights weights() {
    return weights;
  }

  LlamaConfig config() {
    return weights.config();
  }

  Parameter parameter(List<TensorSpec> stacked) throws IOException {
    TensorSpec first = stacked.getFirst();
    if (!settings().norms() || first.kind() != TensorSpec.Kind.NORM) {
      return Parameter.frozen(manager, ops, weights, stacked);
    }
    return trained(first);
  }

  private Parameter trained(TensorSpec tensor) throws IOException {
    Parameter parameter = Parameter.load(manager, start, tensor);
    parameters.put(tensor, parameter);
    return parameter;
  }

  /// Packs linear layers that read the same input.
  Projection linear(@Nullable RmsNorm norm, List<TensorSpec> stacked) throws IOException {
    List<TernaryRows> trits = new ArrayList<>();
    for (TensorSpec tensor : stacked) {
      trits.add(weights.ternary(tensor));
    }
    FrozenProducts.Packed packed = products.pack(trits);
    weights.unload();
    List<LowRankFactors> adapters = new ArrayList<>();
    long column = 0;
    for (TensorSpec tensor : stacked) {
      if (settings().adapts(tensor)) {
        int place = parameters.size();
        Parameter down = trained(settings().down(tensor));
        Parameter up = trained(settings().up(tensor));
        adapters.add(new LowRankFactors(down, up, column, settings().scaling(), place));
      }
      column += tensor.rows();
    }
    return new Projection.Frozen(norm, config().linearNorms(), products, packed, adapters);
  }

  /// The parameters that are trained.
  List<Parameter> parameters() {
    return List.copyOf(parameters.values());
  }

  /// Makes the masks of the passes that follow a function of the key.
  void seedDropout(long key) {
    dropoutKey = Dropout.mix(key);
  }

  /// The dropout of a pass.
  ///
  /// @param keep what the pass keeps: one without a gradient leaves nothing out
  @Nullable Dropout dropout(ForwardPass.Keep keep) {
    if (settings().dropout() == 0 || keep == ForwardPass.Keep.NOTHING) {
      return null;
    }
    dropoutKey = Dropout.mix(dropoutKey + 1);
    return new Dropout(settings().dropout(), dropoutKey);
  }

  @Override
  public LoraSettings settings() {
    return start.settings();
  }

  @Override
  public String base() {
    return start.base();
  }

  @Override
  public void read(TensorSpec tensor, MemorySegment target) {
    Parameter parameter = parameters.get(tensor);
    if (parameter == null) {
      throw new IllegalArgumentException("the adapter has no tensor " + tensor.name());
    }
    parameter.copyTo(tensor, target);
  }

  @Override
  public void close() {
    products.close();
  }
}
