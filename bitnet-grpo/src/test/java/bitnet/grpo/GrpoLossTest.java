package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import bitnet.generation.FinishReason;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Values and gradients of TRL's GRPOTrainer.
class GrpoLossTest {
  private static final JsonNode FIXTURE = read();

  private static JsonNode read() {
    try {
      return new ObjectMapper()
          .readTree(Path.of("src/test/resources/fixtures/grpo-loss.json").toFile());
    } catch (IOException failure) {
      throw new AssertionError(failure);
    }
  }

  private static double[] numbers(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .mapToDouble(JsonNode::asDouble)
        .toArray();
  }

  private static int length(int answer) {
    return (int) Arrays.stream(numbers(FIXTURE.path("mask").path(answer))).sum();
  }

  private static double[] tokens(String name, int answer) {
    return Arrays.copyOf(numbers(FIXTURE.path(name).path(answer)), length(answer));
  }

  private static double[][] logp() {
    double[][] rows = new double[FIXTURE.path("logp").size()][];
    Arrays.setAll(rows, i -> tokens("logp", i));
    return rows;
  }

  private static List<Rollout> answers() {
    double[] advantages = numbers(FIXTURE.path("advantages"));
    List<Rollout> answers = new ArrayList<>();
    for (int i = 0; i < advantages.length; i++) {
      answers.add(whole(tokens("old_logp", i), advantages[i], true));
    }
    return answers;
  }

  /// A completion that was scored as a whole.
  private static Rollout whole(double[] old, double advantage, boolean counted) {
    double[] advantages = new double[old.length];
    Arrays.fill(advantages, advantage);
    return new Rollout(
        new int[] {0},
        new int[old.length],
        Rollout.Sampled.of(old),
        FinishReason.EOS,
        "",
        null,
        new Rollout.Advantages(advantages, counted));
  }

  /// The advantages of answers of one token.
  private static double[] advantages(double[] rewards, int groupSize, RewardScaling scaling) {
    List<Group> groups = new ArrayList<>();
    for (int first = 0; first < rewards.length; first += groupSize) {
      List<Rollout> rollouts = new ArrayList<>();
      for (double reward : Arrays.copyOfRange(rewards, first, first + groupSize)) {
        rollouts.add(
            whole(new double[1], 0, true)
                .withReward(
                    new RolloutReward(
                        reward, new double[] {reward}, new double[] {reward}, reward > 0)));
      }
      groups.add(new Group("", "", null, rollouts));
    }
    return GroupAdvantages.of(groups, GrpoSettings.AdvantageSettings.of(scaling), false).stream()
        .flatMap(group -> group.rollouts().stream())
        .mapToDouble(rollout -> rollout.learnable().values()[0])
        .toArray();
  }

  private static GrpoLoss loss(JsonNode golden) {
    return new GrpoLoss(
        LossType.of(golden.path("loss_type").asText()),
        golden.path("epsilon").asDouble(),
        golden.path("epsilon_high").asDouble(),
        golden.path("beta").asDouble(),
        KlEstimator.of(golden.path("kl").asText()),
        Importance.of(golden.path("importance_sampling_level").asText()),
        FIXTURE.path("max_completion_length").asInt());
  }

  /// With a reference where the loss has a penalty; divergences are not known here.
  private static GrpoLoss.Result of(GrpoLoss loss, double[][] logp, List<Rollout> answers) {
    return loss.of(logp, comparison(loss, answers, 0), answers, GrpoLoss.Totals.of(answers));
  }

  /// @param first index of the first answer in the fixture
  private static GrpoLoss.@Nullable Comparison comparison(
      GrpoLoss loss, List<Rollout> answers, int first) {
    double[][] references = new double[answers.size()][];
    double[][] unknown = new double[answers.size()][];
    for (int i = 0; i < references.length && loss.beta() > 0; i++) {
      references[i] = tokens("ref_logp", first + i);
      unknown[i] = new double[references[i].length];
    }
    return loss.beta() > 0 ? new GrpoLoss.Comparison(references, unknown) : null;
  }

  static Stream<JsonNode> goldens() {
    return StreamSupport.stream(FIXTURE.path("cases").spliterator(), false)
        // that of the sampled token only, which is no divergence
        .filter(golden -> !golden.path("kl").asText().equals("forward"));
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void valueAndGradientAreTheReferences(JsonNode golden) {
    GrpoLoss loss = loss(golden);

    GrpoLoss.Result result = of(loss, logp(), answers());

    assertThat(result.sums().loss()).isCloseTo(golden.path("loss").asDouble(), offset(1e-6));
    for (int i = 0; i < result.gradient().length; i++) {
      double[] expected = Arrays.copyOf(numbers(golden.path("grad").path(i)), length(i));
      assertThat(result.gradient()[i]).containsExactly(expected, offset(1e-6));
    }
  }

  @Test
  void advantagesAreTheReferences() {
    double[] rewards =
        StreamSupport.stream(FIXTURE.path("rewards").spliterator(), false)
            .flatMapToDouble(group -> Arrays.stream(numbers(group)))
            .toArray();

    assertThat(advantages(rewards, FIXTURE.path("group_size").asInt(), RewardScaling.GROUP))
        .containsExactly(numbers(FIXTURE.path("advantages")), offset(1e-6));
  }

  @Test
  void advantagesMayBeScaledByTheBatchOrNotAtAll() {
    double[] rewards = {1, 0, 3, 3};
    double deviation = Math.sqrt((0.75 * 0.75 + 1.75 * 1.75 + 2 * 1.25 * 1.25) / 3);

    assertThat(advantages(rewards, 2, RewardScaling.NONE)).containsExactly(0.5, -0.5, 0, 0);
    assertThat(advantages(rewards, 2, RewardScaling.BATCH))
        .containsExactly(
            new double[] {0.5 / (deviation + 1e-4), -0.5 / (deviation + 1e-4), 0, 0},
            offset(1e-12));
  }

  @Test
  void equalRewardsHaveNoAdvantage() {
    assertThat(advantages(new double[] {0.7, 0.7, 0.7}, 3, RewardScaling.GROUP))
        .containsExactly(0, 0, 0);
  }

  @Test
  void clippedTokensAreCountedAndHaveNoGradient() {
    GrpoLoss loss = new GrpoLoss(LossType.BNPO, 0.2, 0.28, 0, KlEstimator.K3, Importance.TOKEN, 4);
    double[] old = {-1, -1, -1, -1};
    double[] now = {-1 + Math.log(1.5), -1 + Math.log(0.5), -1 + Math.log(1.27), -1};

    GrpoLoss.Result risen = of(loss, new double[][] {now}, List.of(whole(old, 1, true)));
    GrpoLoss.Result fallen = of(loss, new double[][] {now}, List.of(whole(old, -1, true)));

    assertThat(risen.sums().clippedHigh()).isEqualTo(0.25);
    assertThat(risen.sums().clippedLow()).isZero();
    assertThat(risen.gradient()[0])
        .containsExactly(new double[] {0, -0.125, -0.3175, -0.25}, offset(1e-12));
    assertThat(fallen.sums().clippedLow()).isEqualTo(0.25);
    assertThat(fallen.sums().clippedHigh()).isZero();
    assertThat(fallen.gradient()[0])
        .containsExactly(new double[] {0.375, 0, 0.3175, 0.25}, offset(1e-12));
  }

  @Test
  void answersThatDoNotCountChangeNothingButTheNumberOfAnswers() {
    double[][] logp = logp();
    List<Rollout> some = new ArrayList<>(answers());
    Rollout first = some.getFirst();
    some.set(0, first.withAdvantages(new Rollout.Advantages(first.learnable().values(), false)));
    double[][] others = Arrays.copyOfRange(logp, 1, logp.length);
    for (LossType type : LossType.values()) {
      GrpoLoss loss = new GrpoLoss(type, 0.2, 0.2, 0.04, KlEstimator.K3, Importance.TOKEN, 11);

      GrpoLoss.Result masked = of(loss, logp, some);
      List<Rollout> rest = some.subList(1, some.size());
      GrpoLoss.Result alone =
          loss.of(others, comparison(loss, rest, 1), rest, GrpoLoss.Totals.of(rest));

      double share = type == LossType.GRPO || type == LossType.DR_GRPO ? 5.0 / 6 : 1;
      assertThat(masked.sums().loss()).isCloseTo(share * alone.sums().loss(), offset(1e-12));
      assertThat(masked.gradient()[0]).containsOnly(0);
      assertThat(masked.sums().kl()).isCloseTo(alone.sums().kl(), offset(1e-12));
    }
  }

  @Test
  void partsOfABatchAddUpToTheWhole() {
    GrpoLoss loss =
        new GrpoLoss(LossType.BNPO, 0.2, 0.2, 0.04, KlEstimator.K3, Importance.TOKEN, 11);
    List<Rollout> all = answers();
    GrpoLoss.Totals totals = GrpoLoss.Totals.of(all);

    GrpoLoss.Sums whole = of(loss, logp(), all).sums();
    GrpoLoss.Sums parts = part(loss, all, 0, 2, totals).plus(part(loss, all, 2, 6, totals));

    assertThat(parts.loss()).isCloseTo(whole.loss(), offset(1e-12));
    assertThat(parts.kl()).isCloseTo(whole.kl(), offset(1e-12));
  }

  private static GrpoLoss.Sums part(
      GrpoLoss loss, List<Rollout> all, int first, int end, GrpoLoss.Totals totals) {
    List<Rollout> some = all.subList(first, end);
    return loss.of(
            Arrays.copyOfRange(logp(), first, end), comparison(loss, some, first), some, totals)
        .sums();
  }

  @Test
  void wrongSettingsAreRefusedWithARemedy() {
    assertThatThrownBy(
            () -> new GrpoLoss(LossType.GRPO, 1, 0.2, 0, KlEstimator.K3, Importance.TOKEN, 4))
        .hasMessage("clip_eps 1.0 is not above 0 and below 1; use 0.2");
    assertThatThrownBy(() -> LossType.of("ppo"))
        .hasMessage("loss_type \"ppo\" is unknown; use one of grpo, bnpo, dr_grpo, dapo");
  }
}
