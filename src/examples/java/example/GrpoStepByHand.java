package example;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelSource;
import bitnet.data.QaRecord;
import bitnet.generation.SamplingSettings;
import bitnet.graph.ComputeType;
import bitnet.graph.LlamaModel;
import bitnet.graph.TorchOps;
import bitnet.grpo.Group;
import bitnet.grpo.GroupAdvantages;
import bitnet.grpo.GrpoSettings;
import bitnet.grpo.PolicyOptimizer;
import bitnet.grpo.RewardStage;
import bitnet.grpo.RolloutSampler;
import bitnet.reward.WeightedReward;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.OptimizerStep;
import bitnet.training.SpikeGuard;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The stages of GRPO one by one, as a trainer of one's own would call them:
/// `GrpoStepByHand MODEL TARGET STEPS`.
public final class GrpoStepByHand {
  private static final List<QaRecord> QUESTIONS =
      List.of(
          new QaRecord("1+2=", "3", Optional.empty()), new QaRecord("3+4=", "7", Optional.empty()));

  private GrpoStepByHand() {}

  public static void main(String[] args) throws IOException {
    int threads = Runtime.getRuntime().availableProcessors();
    GrpoSettings settings = settings(Long.parseLong(args[2]));

    TorchOps.prepareThread(threads); // once, on the thread that computes with the graph
    try (ModelSource source = ModelSource.open(Path.of(args[0]));
        Tokenizer tokenizer = source.tokenizer();
        // The policy twice: as a graph with gradients, and packed to sample from.
        NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
        LlamaModel model = LlamaModel.load(source.weights(), manager, ComputeType.FP32);
        OptimizerStep adamW = new OptimizerStep(model.ops(), model.parameters());
        RolloutSampler sampler =
            new RolloutSampler(
                model,
                tokenizer,
                source.endTokens(),
                RuntimeSettings.exact().withThreads(threads));
        WeightedReward reward =
            new WeightedReward(List.of(new WeightedReward.Term("digits", new CustomReward(), 1)))) {
      RewardStage rewards = new RewardStage(reward, tokenizer);
      PolicyOptimizer policy = new PolicyOptimizer(model, adamW, sampler, null, settings);
      SpikeGuard.State guard = SpikeGuard.State.start();
      for (long step = 0; step < settings.schedule().steps(); step++) {
        guard = step(sampler, rewards, policy, settings, step, guard);
      }
      ModelDirectory.write(
          Path.of(args[1]), model, tokenizer, true, ModelDirectory.Existing.REPLACE);
    }
  }

  /// One step: rollouts, rewards, advantages, update.
  private static SpikeGuard.State step(
      RolloutSampler sampler,
      RewardStage rewards,
      PolicyOptimizer policy,
      GrpoSettings settings,
      long step,
      SpikeGuard.State guard)
      throws IOException {
    GrpoSettings.Rollout how = settings.rollouts();
    List<Group> sampled =
        sampler.sampleGroups(
            QUESTIONS,
            how.groupSize(),
            how.maxLength(),
            how.sampling(),
            RolloutSampler.Draw.of(step, RolloutSampler.Purpose.FIRST));
    List<Group> scored = rewards.score(sampled);
    List<Group> compared = GroupAdvantages.of(scored, settings.advantages(), false);
    PolicyOptimizer.Outcome outcome = policy.update(compared, step, guard);

    System.out.printf(
        "step %d  reward %.3f  loss %.4f  gradient norm %.3f%n",
        step + 1, meanReward(scored), outcome.metric("loss"), outcome.metric("grad_norm"));
    return outcome.guard();
  }

  private static double meanReward(List<Group> scored) {
    return scored.stream()
        .flatMap(group -> group.rollouts().stream())
        .mapToDouble(rollout -> rollout.scored().total())
        .average()
        .orElse(0);
  }

  /// Two prompts a step with 16 completions of up to 12 tokens each, and no KL penalty.
  private static GrpoSettings settings(long steps) {
    GrpoSettings defaults = GrpoSettings.defaults(steps);
    SamplingSettings sampling = SamplingSettings.GREEDY.withTemperature(1);
    return defaults
        .withRollouts(GrpoSettings.Rollout.of(QUESTIONS.size(), 16, 12, sampling))
        .withLoss(defaults.loss().withBeta(0))
        .withOptimizer(defaults.optimizer().withLearningRate(1e-3));
  }
}
