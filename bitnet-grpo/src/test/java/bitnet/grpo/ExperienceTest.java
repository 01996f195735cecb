package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bitnet.data.QaRecord;
import bitnet.data.RecordSampler;
import bitnet.data.SamplerState;
import bitnet.reward.Reward;
import bitnet.reward.RewardScore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Dynamic sampling: further batches of prompts until enough groups are informative.
class ExperienceTest {
  private static final int GROUP_SIZE = 8;
  private static final int PROMPTS = 2;
  private static final int MOST_BATCHES = 3;

  /// Of the questions only the first two tell completions apart.
  private static final Reward SOMETIMES =
      (query, reference, completion) ->
          RewardScore.of(query.matches("q[01]") && completion.equals("7") ? 1 : 0);

  private static final Reward NEVER = (query, reference, completion) -> RewardScore.of(0.5);

  @TempDir private Path directory;

  private static GrpoSettings dynamic(long steps, int minGroups, int maxBatches) {
    GrpoSettings settings = TinyRun.settings(steps);
    GrpoSettings.Rollout rollouts = settings.rollouts();
    return settings.withRollouts(
        new GrpoSettings.Rollout(
            PROMPTS,
            GROUP_SIZE,
            rollouts.maxLength(),
            rollouts.sampling(),
            new GrpoSettings.DynamicSampling(minGroups, maxBatches),
            rollouts.overlong()));
  }

  /// Groups of a step with different rewards, batch by batch.
  private static List<Integer> informative(Heard heard, long step) {
    List<CompletionRecord> answers = heard.answers(step, 1);
    List<Integer> counts = new ArrayList<>();
    for (int i = 0; i < answers.size(); i += GROUP_SIZE) {
      if (i % (GROUP_SIZE * PROMPTS) == 0) {
        counts.add(0);
      }
      boolean spread =
          answers.subList(i, i + GROUP_SIZE).stream()
                  .map(CompletionRecord::reward)
                  .distinct()
                  .count()
              > 1;
      counts.add(counts.removeLast() + (spread ? 1 : 0));
    }
    return counts;
  }

  @Test
  void batchesAreSampledUntilEnoughGroupsAreInformativeOrTheBoundIsReached() throws IOException {
    Heard heard = TinyRun.of(directory, SOMETIMES).train(dynamic(8, 1, MOST_BATCHES)).heard();

    Set<Integer> batches = new HashSet<>();
    for (int step = 1; step <= 8; step++) {
      List<Integer> counts = informative(heard, step);
      batches.add(counts.size());
      assertThat((double) counts.size())
          .isEqualTo(heard.rows.get(step - 1).get("rollout_batches"))
          .isLessThanOrEqualTo(MOST_BATCHES);
      assertThat(counts.subList(0, counts.size() - 1)).allMatch(count -> count == 0);
      if (counts.size() < MOST_BATCHES) {
        assertThat(counts.getLast()).isPositive();
      }
    }
    assertThat(batches).hasSizeGreaterThan(1);
  }

  @Test
  void theNextStepContinuesAfterAllQuestionsThatWereDrawn() throws IOException {
    TinyRun run = TinyRun.of(directory, SOMETIMES);
    GrpoSettings settings = dynamic(5, 1, MOST_BATCHES);

    Heard heard = run.train(settings).heard();

    List<String> asked = new ArrayList<>();
    for (int i = 0; i < heard.answers.size(); i += GROUP_SIZE) {
      asked.add(heard.answers.get(i).query());
    }
    List<QaRecord> expected =
        new RecordSampler<>(run.training(), asked.size())
            .batch(SamplerState.start(settings.sampling().seed()));
    assertThat(asked).isEqualTo(expected.stream().map(QaRecord::query).toList());
  }

  @Test
  void aResumedRunGivesTheSameNumbersAsAnUninterruptedOne() throws IOException {
    TinyRun run = TinyRun.of(directory, SOMETIMES);
    GrpoSettings settings = dynamic(5, 1, MOST_BATCHES);
    TinyRun.Ended whole = run.train(settings);

    for (int step = 1; step < 5; step++) {
      TinyRun.Ended resumed = run.resume(settings, step);

      assertThat(resumed.heard().rows).isEqualTo(whole.heard().rows.subList(step, 5));
      assertThat(resumed.weights()).usingRecursiveComparison().isEqualTo(whole.weights());
    }
  }

  @Test
  void batchesOfOneStepHaveRandomNumbersOfTheirOwn() throws IOException {
    Heard heard =
        TinyRun.of(directory, NEVER)
            .withTraining(TinyRun.questions(1))
            .train(dynamic(1, 1, MOST_BATCHES))
            .heard();

    assertThat(heard.answers).hasSize(MOST_BATCHES * PROMPTS * GROUP_SIZE);
    Set<List<String>> groups = new HashSet<>();
    for (int i = 0; i < heard.answers.size(); i += GROUP_SIZE) {
      groups.add(
          heard.answers.subList(i, i + GROUP_SIZE).stream()
              .map(CompletionRecord::completion)
              .toList());
    }
    assertThat(groups).hasSize(MOST_BATCHES * PROMPTS);
  }

  /// The loss is the mean over all completions, so that a group without a spread of rewards next to
  /// one with halves the gradient.
  @Test
  void onlyInformativeGroupsAreLearnedFrom() throws IOException {
    List<QaRecord> one = List.of(TinyRun.question("q0"), TinyRun.question("q9"));
    TinyRun run = TinyRun.of(directory, SOMETIMES).withTraining(one);

    double only =
        run.train(dynamic(1, 1, 1)).heard().rows.getFirst().getOrDefault("grad_norm", Double.NaN);
    double all =
        run.train(dynamic(1, 0, 1)).heard().rows.getFirst().getOrDefault("grad_norm", Double.NaN);

    assertThat(all).isPositive();
    assertThat(only / all).isCloseTo(2, within(1e-3));
  }

  @Test
  void aStepWithoutInformativeGroupsChangesNothing() throws IOException {
    TinyRun run = TinyRun.of(directory, NEVER);

    TinyRun.Ended before = run.train(dynamic(1, 2, MOST_BATCHES));
    TinyRun.Ended after = run.train(dynamic(3, 2, MOST_BATCHES));

    assertThat(after.heard().column("rollout_batches")).containsOnly(3.0);
    assertThat(after.heard().rows.getFirst()).doesNotContainKeys("loss", "grad_norm", "step_kl");
    assertThat(after.weights()).usingRecursiveComparison().isEqualTo(before.weights());
  }
}
