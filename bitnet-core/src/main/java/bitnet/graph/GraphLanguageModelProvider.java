package bitnet.graph;

import bitnet.model.ComputeSettings;
import bitnet.model.LanguageModel;
import bitnet.model.LanguageModelProvider;
import bitnet.model.LatentWeights;
import java.io.IOException;

/// Runs models in the graph, in single precision, on a GPU.
public final class GraphLanguageModelProvider implements LanguageModelProvider {
  private final DeviceSelector selector = new DeviceSelector();

  /// The libtorch library is loaded only where the device may be a GPU: loading takes a second and
  /// some hundred megabytes.
  @Override
  public boolean serves(String device) {
    return selector.mayBeGpu(device) && selector.select(device).isAccelerator();
  }

  @Override
  public LanguageModel open(LatentWeights weights, ComputeSettings compute) throws IOException {
    return GraphLanguageModel.load(weights, compute);
  }

  @Override
  public LanguageModel openFullPrecision(LatentWeights weights, ComputeSettings compute)
      throws IOException {
    return GraphLanguageModel.loadFullPrecision(weights, compute);
  }
}
