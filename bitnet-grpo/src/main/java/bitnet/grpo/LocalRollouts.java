package bitnet.grpo;

import java.util.ArrayList;
import java.util.List;

/// Draws completions and scores them in this process.
///
/// @param sampler draws
/// @param rewards score
public record LocalRollouts(RolloutSampler sampler, RewardStage rewards) implements RolloutSource {
  private static final double NANOS = 1e9;

  @Override
  public ScoredRollouts draw(RolloutRequest request) {
    long start = System.nanoTime();
    List<List<Rollout>> rollouts = sampler.sample(request);
    long drawn = System.nanoTime();
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < rollouts.size(); i++) {
      RolloutRequest.Prompt prompt = request.prompts().get(i);
      groups.add(new Group(prompt.query(), prompt.reference(), null, rollouts.get(i)));
    }
    List<List<Rollout>> scored = rewards.score(groups).stream().map(Group::rollouts).toList();
    return new ScoredRollouts(scored, (drawn - start) / NANOS, (System.nanoTime() - drawn) / NANOS);
  }
}
