package bitnet.grpo;

import bitnet.graph.LlamaModel;
import bitnet.model.TernarizedWeights;
import bitnet.model.TernaryWeights;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import java.io.IOException;

/// A policy that is trained in the graph, on the packed runtime: its weights made ternary, or its
/// base with its adapter.
final class PackedPolicy {
  private PackedPolicy() {}

  /// Packs a policy.
  static TernaryLlama load(LlamaModel policy, RuntimeSettings settings) throws IOException {
    TernaryWeights weights = policy.base().orElseGet(() -> new TernarizedWeights(policy));
    return TernaryLlama.load(weights, settings, policy.adapter());
  }

  /// Packs the policy again, after an update.
  static void reload(TernaryLlama packed, LlamaModel policy) throws IOException {
    if (policy.adapter().isPresent()) {
      packed.reload(policy.base().orElseThrow(), policy.adapter().get());
    } else {
      packed.reload(new TernarizedWeights(policy));
    }
  }
}
