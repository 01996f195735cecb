package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import bitnet.data.QaRecord;
import bitnet.generation.SamplingSettings;
import bitnet.graph.ComputeType;
import bitnet.graph.LlamaModel;
import bitnet.graph.TorchOps;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.OptimizerStep;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A step of the trainer, from sampled completions to the gradient of the loss, against the
/// formulas of the papers, written down once more here: probabilities from logits, advantages from
/// rewards, the loss as a sum over tokens; gradients by finite differences of that.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StepByDefinitionTest {
  private static final LlamaConfig CONFIG = LlamaConfig.of(256, 32, 64, 1, 2).withContextLength(64);
  private static final double TEMPERATURE = 0.8;
  private static final double TOP_P = 0.9;
  private static final int MAX_LENGTH = 5;
  private static final int GROUP_SIZE = 3;
  private static final double BETA = 0.3;
  private static final double CLIP = 0.2;

  private NDManager manager;
  private Tokenizer tokenizer;
  private LlamaModel model;
  private LlamaModel old;
  private OptimizerStep optimizer;
  private ReferencePolicy reference;
  private List<Group> sampled;

  /// The policy that samples is also the reference; the policy that learns is a step away from it.
  @BeforeAll
  void open() throws IOException {
    TorchOps.prepareThread(1);
    manager = NDManager.newBaseManager();
    tokenizer = Tokenizer.byteLevel();
    BlankWeights weights = new BlankWeights(CONFIG, new LatentInitializer(2, 0.15));
    RuntimeSettings exact = RuntimeSettings.exact().withThreads(1);
    old = LlamaModel.load(weights, manager, ComputeType.FP32);
    model = LlamaModel.load(weights, manager, ComputeType.FP32);
    optimizer = new OptimizerStep(model.ops(), model.parameters());
    reference = new ReferencePolicy(old, manager, exact, false);
    try (RolloutSampler sampler = new RolloutSampler(model, tokenizer, Set.of(), exact)) {
      sampled =
          sampler.sampleGroups(
              List.of(question("a"), question("bc"), question("d")),
              GROUP_SIZE,
              MAX_LENGTH,
              new SamplingSettings(TEMPERATURE, 0, TOP_P, 0, 1, 11),
              RolloutSampler.Draw.of(0, RolloutSampler.Purpose.FIRST));
    }
    float[] head = model.head().value().toFloatArray();
    for (int i = 0; i < head.length; i++) {
      head[i] += 0.05f * (float) Math.sin(i);
    }
    model.head().value().set(head);
  }

  @AfterAll
  void close() {
    reference.close();
    optimizer.close();
    manager.close();
    tokenizer.close();
  }

  private static QaRecord question(String text) {
    return new QaRecord(text, "x", Optional.empty());
  }

  /// A combination of settings.
  record Way(
      LossType type,
      RewardScaling scaling,
      Importance importance,
      KlEstimator kl,
      boolean masked,
      boolean dense,
      boolean replayed) {

    GrpoSettings settings() {
      GrpoSettings defaults = GrpoSettings.defaults(1);
      return defaults
          .withRollouts(
              GrpoSettings.Rollout.of(
                  3, GROUP_SIZE, MAX_LENGTH, new SamplingSettings(TEMPERATURE, 0, TOP_P, 0, 1, 11)))
          .withAdvantages(GrpoSettings.AdvantageSettings.of(scaling))
          .withLoss(new GrpoLoss(type, CLIP, CLIP, BETA, kl, importance, MAX_LENGTH));
    }
  }

  static List<Way> ways() {
    List<Way> ways = new ArrayList<>();
    for (LossType type : LossType.values()) {
      for (RewardScaling scaling : RewardScaling.values()) {
        for (Importance importance : Importance.values()) {
          int n = ways.size();
          KlEstimator kl = List.of(KlEstimator.values()).get(n % 3);
          ways.add(new Way(type, scaling, importance, kl, n % 2 == 0, n % 4 < 2, n % 5 < 2));
          ways.add(new Way(type, scaling, importance, kl, n % 2 == 1, n % 4 > 1, n % 5 > 1));
        }
      }
    }
    return ways;
  }

  /// Rewards that differ; dense ones also along the completion. The last group has no spread.
  private static RolloutReward reward(Way way, int group, int index, int length) {
    double outcome = group == 2 ? 0.5 : (index * 7 + group * 3) % 5 / 4.0;
    double[] tokens = new double[length];
    for (int t = 0; t < length; t++) {
      tokens[t] = outcome + (way.dense() && group < 2 ? 0.1 * t * (index + 1) : 0);
    }
    return new RolloutReward(outcome, new double[] {outcome}, tokens, false);
  }

  private List<Group> scored(Way way) {
    List<Group> groups = new ArrayList<>();
    for (int g = 0; g < sampled.size(); g++) {
      List<Rollout> rollouts = new ArrayList<>();
      for (int i = 0; i < GROUP_SIZE; i++) {
        Rollout rollout = sampled.get(g).rollouts().get(i);
        rollouts.add(rollout.withReward(reward(way, g, i, rollout.length())));
      }
      groups.add(sampled.get(g).with(rollouts));
    }
    return groups;
  }

  /// A completion of an earlier step, with the advantage it had then.
  private List<Rollout> replayed(Way way) {
    if (!way.replayed()) {
      return List.of();
    }
    Rollout rollout = sampled.getFirst().rollouts().getLast();
    double[] advantages = new double[rollout.length()];
    Arrays.fill(advantages, 0.7);
    return List.of(
        ReplayBuffer.Entry.of(rollout.withAdvantages(new Rollout.Advantages(advantages, true)), 0)
            .rollout());
  }

  @Test
  void samplingCutsTheDistributionsAndSomeCompletionsAreTruncated() {
    List<Rollout> rollouts = GrpoMetrics.rollouts(sampled);

    assertThat(rollouts).anyMatch(Rollout::truncated);
    assertThat(rollouts)
        .allSatisfy(
            rollout -> {
              assertThat(rollout.candidates()).hasNumberOfRows(rollout.length());
              assertThat(rollout.candidates()[0].length).isBetween(1, 255);
            });
  }

  @Test
  void samplerLogProbabilitiesAndEntropiesAreThoseOfTheDefinition() {
    for (Rollout rollout : GrpoMetrics.rollouts(sampled)) {
      for (int t = 0; t < rollout.length(); t++) {
        double[] p = distribution(old, rollout, t);
        assertThat(rollout.samplerLogProbabilities()[t])
            .isCloseTo(Math.log(p[rollout.completion()[t]]), within(1e-4));
        assertThat(rollout.sampled().entropies()[t])
            .isCloseTo(
                -Arrays.stream(p).filter(each -> each > 0).map(e -> e * Math.log(e)).sum(),
                within(1e-4));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("ways")
  void lossAndGradientAreThoseOfTheFormulas(Way way) {
    GrpoSettings settings = way.settings();
    optimizer.skip();

    PolicyUpdate.Result result =
        new PolicyUpdate(model, optimizer, settings.loss(), reference, settings)
            .accumulate(
                new UpdateBatch(
                    GrpoMetrics.rollouts(
                        GroupAdvantages.of(scored(way), settings.advantages(), way.masked())),
                    replayed(way)),
                new StepTimes());

    assertThat(result.loss().loss()).isCloseTo(loss(way), within(1e-5));
    float[] gradient = model.head().gradient().toFloatArray();
    int token = sampled.getFirst().rollouts().getFirst().completion()[0];
    for (int entry : new int[] {token * 32 + 4, token * 32 + 17}) {
      assertThat((double) gradient[entry]).isCloseTo(slope(way, entry), within(1e-3));
    }
  }

  /// The slope of the definition by an entry of the head, which is not quantized.
  private double slope(Way way, int entry) {
    float[] weights = model.head().value().toFloatArray();
    double[] values = new double[2];
    for (int side = 0; side < 2; side++) {
      float[] moved = weights.clone();
      moved[entry] += side == 0 ? 1e-3f : -1e-3f;
      model.head().value().set(moved);
      values[side] = loss(way);
    }
    model.head().value().set(weights);
    return (values[0] - values[1]) / 2e-3;
  }

  /// The loss of the batch, by the papers.
  private double loss(Way way) {
    List<Group> groups = scored(way);
    double[][][] advantages = advantages(way, groups);
    List<Rollout> rollouts = new ArrayList<>();
    List<double[]> values = new ArrayList<>();
    int answers = 0;
    for (int g = 0; g < groups.size(); g++) {
      for (int i = 0; i < GROUP_SIZE; i++) {
        Rollout rollout = groups.get(g).rollouts().get(i);
        answers++;
        if (!(way.masked() && rollout.truncated())) {
          rollouts.add(rollout);
          values.add(advantages[g][i]);
        }
      }
    }
    for (Rollout rollout : replayed(way)) {
      answers++;
      rollouts.add(sampled.getFirst().rollouts().getLast());
      values.add(rollout.learnable().values());
    }
    double tokens = rollouts.stream().mapToInt(Rollout::length).sum();
    double sum = 0;
    for (int k = 0; k < rollouts.size(); k++) {
      int length = rollouts.get(k).length();
      double weight =
          switch (way.type()) {
            case GRPO -> 1.0 / length / answers;
            case BNPO, DAPO -> 1 / tokens;
            case DR_GRPO -> 1.0 / answers / MAX_LENGTH;
          };
      sum += weight * loss(way, rollouts.get(k), values.get(k));
    }
    return sum;
  }

  /// The sum over the tokens of a completion.
  private double loss(Way way, Rollout rollout, double[] advantages) {
    int length = rollout.length();
    double[] logRatios = new double[length];
    double[] penalties = new double[length];
    for (int t = 0; t < length; t++) {
      int token = rollout.completion()[t];
      double[] p = distribution(model, rollout, t);
      double[] q = distribution(old, rollout, t);
      double logp = Math.log(p[token]);
      double logq = Math.log(q[token]);
      logRatios[t] = logp - logq;
      penalties[t] =
          switch (way.kl()) {
            case K1 -> logp - logq;
            case K3 -> q[token] / p[token] - (logq - logp) - 1;
            case FORWARD -> {
              double sum = 0;
              for (int id : rollout.candidates()[t]) {
                sum += p[id] * Math.log(p[id] / q[id]);
              }
              yield sum;
            }
          };
    }
    double mean = Arrays.stream(logRatios).sum() / length;
    double sum = 0;
    for (int t = 0; t < length; t++) {
      double ratio = Math.exp(way.importance() == Importance.TOKEN ? logRatios[t] : mean);
      double clipped = Math.max(1 - CLIP, Math.min(1 + CLIP, ratio));
      sum += -Math.min(ratio * advantages[t], clipped * advantages[t]) + BETA * penalties[t];
    }
    return sum;
  }

  /// Scores less the mean of the group's first scores, over the standard deviation.
  private static double[][][] advantages(Way way, List<Group> groups) {
    double[][][] advantages = new double[groups.size()][][];
    for (int g = 0; g < groups.size(); g++) {
      double[] first = firsts(groups.subList(g, g + 1));
      double spread = deviation(first);
      double divisor =
          switch (way.scaling()) {
            case GROUP -> spread + 1e-4;
            case BATCH -> deviation(firsts(groups)) + 1e-4;
            case NONE -> 1;
          };
      double mean = Arrays.stream(first).sum() / first.length;
      advantages[g] = new double[GROUP_SIZE][];
      for (int i = 0; i < GROUP_SIZE; i++) {
        advantages[g][i] =
            Arrays.stream(groups.get(g).rollouts().get(i).scored().tokenScores())
                .map(score -> spread == 0 ? 0 : (score - mean) / divisor)
                .toArray();
      }
    }
    return advantages;
  }

  private static double[] firsts(List<Group> groups) {
    return GrpoMetrics.rollouts(groups).stream()
        .mapToDouble(rollout -> rollout.scored().tokenScores()[0])
        .toArray();
  }

  private static double deviation(double... values) {
    double mean = Arrays.stream(values).sum() / values.length;
    double squares = Arrays.stream(values).map(each -> (each - mean) * (each - mean)).sum();
    return Math.sqrt(squares / (values.length - 1));
  }

  /// The distribution of a completion token: softmax of the logits over the temperature, among the
  /// tokens that nucleus sampling had kept.
  private double[] distribution(LlamaModel of, Rollout rollout, int token) {
    int count = rollout.prompt().length + token;
    long[] ids = new long[count];
    Arrays.setAll(ids, rollout::token);
    double[] p = new double[CONFIG.vocabSize()];
    try (NDManager scope = manager.newSubManager()) {
      NDArray logits = of.logits(scope, scope.create(ids).reshape(1, count));
      float[] last = logits.get(count - 1).toFloatArray();
      double mass = 0;
      for (int id : rollout.candidates()[token]) {
        p[id] = Math.exp(last[id] / TEMPERATURE);
        mass += p[id];
      }
      for (int id = 0; id < p.length; id++) {
        p[id] /= mass;
      }
    }
    return p;
  }

  @Test
  void thePenaltyHasNoGradientWhereThePolicyIsTheReference() {
    for (KlEstimator kl : List.of(KlEstimator.FORWARD, KlEstimator.K3)) {
      assertThat(gradientAtTheReference(kl)).as("%s", kl).isLessThan(1e-4);
    }
    // an estimate whose gradient is zero on average only
    assertThat(gradientAtTheReference(KlEstimator.K1)).isGreaterThan(1e-2);
  }

  private double gradientAtTheReference(KlEstimator kl) {
    Way way = new Way(LossType.GRPO, RewardScaling.NONE, Importance.TOKEN, kl, false, false, false);
    GrpoSettings settings = way.settings();
    List<Rollout> equal =
        GrpoMetrics.rollouts(sampled).stream()
            .map(
                rollout ->
                    rollout.withAdvantages(
                        new Rollout.Advantages(new double[rollout.length()], true)))
            .toList();
    try (OptimizerStep own = new OptimizerStep(old.ops(), old.parameters())) {
      own.skip();
      return new PolicyUpdate(old, own, settings.loss(), reference, settings)
          .accumulate(new UpdateBatch(equal, List.of()), new StepTimes())
          .gradNorm();
    }
  }
}
