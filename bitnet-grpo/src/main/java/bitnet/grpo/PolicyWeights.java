package bitnet.grpo;

import bitnet.graph.LlamaModel;
import bitnet.model.AdapterWeights;
import bitnet.model.TernarizedWeights;
import bitnet.model.TernaryWeights;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import java.io.IOException;
import java.util.Optional;

/// The weights of a policy as the packed runtime computes them: ternary, or a base with its
/// adapter.
///
/// @param weights read whenever the policy is packed
/// @param adapter computed next to them; empty where there is none
public record PolicyWeights(TernaryWeights weights, Optional<AdapterWeights> adapter) {

  /// The weights of a policy that is trained in the graph, as they are when they are read.
  public static PolicyWeights of(LlamaModel policy) {
    return new PolicyWeights(
        policy.base().orElseGet(() -> new TernarizedWeights(policy)), policy.adapter());
  }

  /// Packs them.
  TernaryLlama load(RuntimeSettings settings) throws IOException {
    return TernaryLlama.load(weights, settings, adapter);
  }

  /// Packs them in the place of former ones; a base that has an adapter stays as it was.
  void reload(TernaryLlama packed) throws IOException {
    if (adapter.isPresent()) {
      packed.reload(weights, adapter.get());
    } else {
      packed.reload(weights);
    }
  }
}
