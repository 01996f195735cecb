package bitnet.grpo;

import bitnet.reward.ReasoningSteps;
import bitnet.reward.TokenF1;
import java.util.SequencedMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Right answers that do not follow from their reasoning.
final class LuckyAnswers {
  private final Supplier<ReasoningSteps> comparison;
  private @Nullable ReasoningSteps steps;

  LuckyAnswers() {
    this(() -> new ReasoningSteps(new TokenF1()));
  }

  /// @param comparison of reasonings; made for the first question that has one, because WordNet
  ///     takes most of a second to open
  LuckyAnswers(Supplier<ReasoningSteps> comparison) {
    this.comparison = comparison;
  }

  /// Adds the share of the right answers to questions with a reference reasoning whose own
  /// reasoning lacks one of its steps.
  void put(SequencedMap<String, Double> row, ExperienceSampler.Experience experience) {
    int right = 0;
    int lucky = 0;
    for (int i = 0; i < experience.records().size(); i++) {
      String reasoning = experience.records().get(i).reasoning().orElse("");
      if (ReasoningSteps.of(reasoning).isEmpty()) {
        continue;
      }
      for (Rollout rollout : experience.groups().get(i).rollouts()) {
        if (rollout.scored().correct()) {
          right++;
          lucky += isLucky(reasoning, rollout.text()) ? 1 : 0;
        }
      }
    }
    if (right > 0) {
      row.put("lucky_ratio", (double) lucky / right);
    }
  }

  private boolean isLucky(String reasoning, String completion) {
    if (steps == null) {
      steps = comparison.get();
    }
    return steps.correctness(reasoning, ReasoningSteps.inside(completion)) < 1;
  }
}
