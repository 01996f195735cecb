package bitnet.spark;

import bitnet.grpo.RewardStage;
import bitnet.grpo.RolloutSampler;
import bitnet.model.AdapterWeights;
import bitnet.model.LoraSettings;
import bitnet.reward.RewardSpec;
import bitnet.reward.WeightedReward;
import bitnet.runtime.RuntimeSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// What an executor needs for drawing completions, besides the weights. Jackson writes and reads
/// it.
///
/// @param id of the run, so that an executor knows its policies
/// @param model whose tokenizer is read, at the same path on all machines
/// @param config of the policy as text
/// @param lora the adapter of the policy; null where there is none
/// @param endTokens that end a completion
/// @param rewards by name, models by their paths
/// @param rewardDigests what learned rewards have learned
/// @param threads of the model
/// @param kernel of the model
record RolloutSetup(
    String id,
    String model,
    String config,
    @Nullable LoraSettings lora,
    Set<Integer> endTokens,
    RewardSpec rewards,
    List<String> rewardDigests,
    int threads,
    String kernel) {

  /// What a run has.
  ///
  /// @param sampler of its policy
  /// @param stage its rewards
  /// @param spec their names
  static RolloutSetup of(
      Path model,
      RolloutSampler sampler,
      RewardStage stage,
      RewardSpec spec,
      RuntimeSettings runtime)
      throws IOException {
    List<String> names = new ArrayList<>();
    for (String name : spec.rewards()) {
      // an executor works in a directory of its own
      names.add(isDirectory(name) ? Path.of(name).toAbsolutePath().toString() : name);
    }
    return new RolloutSetup(
        UUID.randomUUID().toString(),
        model.toAbsolutePath().toString(),
        sampler.policy().weights().config().toString(),
        sampler.policy().adapter().map(AdapterWeights::settings).orElse(null),
        sampler.endTokens(),
        new RewardSpec(names, spec.weights()),
        digests(stage.rewards()),
        runtime.threads(),
        runtime.kernel());
  }

  private static boolean isDirectory(String name) {
    return name.indexOf('*') < 0 && Files.isDirectory(Path.of(name));
  }

  /// What rewards have learned, for [#rewardDigests].
  static List<String> digests(WeightedReward rewards) throws IOException {
    List<String> digests = new ArrayList<>();
    for (WeightedReward.Term term : rewards.terms()) {
      digests.add(term.reward().digest());
    }
    return digests;
  }
}
