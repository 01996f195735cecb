package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import bitnet.data.QaRecord;
import bitnet.data.RecordSampler;
import bitnet.data.SamplerState;
import bitnet.generation.FinishReason;
import bitnet.graph.LlamaModel;
import bitnet.graph.TorchOps;
import bitnet.reward.Reward;
import bitnet.reward.RewardScore;
import bitnet.reward.WeightedReward;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.OptimizerStep;
import bitnet.training.SpikeGuard;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The figures of a step, against their definitions.
class GrpoMetricsTest {
  private static final Reward BYTES =
      (query, reference, completion) -> RewardScore.of(completion.hashCode() % 256 / 256.0);
  private static final int GROUP_SIZE = 4;
  private static final int MAX_LENGTH = 3;

  @TempDir private Path directory;

  private static Rollout answer(String text, boolean correct) {
    return new Rollout(
        new int[] {1},
        new int[] {2},
        Rollout.Sampled.of(-0.5),
        FinishReason.EOS,
        text,
        new RolloutReward(0, new double[] {0}, new double[] {0}, correct),
        null);
  }

  private static ExperienceSampler.Experience experience(
      Optional<String> reasoning, Rollout... some) {
    return new ExperienceSampler.Experience(
        List.of(new QaRecord("2+4+3=", "9", reasoning)),
        List.of(new Group("2+4+3=", "9", null, List.of(some))),
        1);
  }

  private static SequencedMap<String, Double> lucky(Optional<String> reasoning, Rollout... some) {
    SequencedMap<String, Double> row = new LinkedHashMap<>();
    new LuckyAnswers().put(row, experience(reasoning, some));
    return row;
  }

  /// Of four right answers one has all steps, two lack one, one has no reasoning.
  @Test
  void rightAnswersWithoutTheStepsOfTheReasoningAreLucky() {
    Rollout[] some = {
      answer("<think>2+4=6;6+3=9</think>9", true),
      answer("<think>2+4=6;6+4=9</think>9", true),
      answer("<think>2+4=6</think>9", true),
      answer("9", true),
      answer("<think>2+4=7;7+3=10</think>10", false),
    };

    assertThat(lucky(Optional.of("2+4=6;6+3=9"), some)).containsEntry("lucky_ratio", 0.75);
    assertThat(lucky(Optional.empty(), some)).isEmpty();
    assertThat(lucky(Optional.of("2+4=6"), answer("8", false))).isEmpty();
  }

  @Test
  void questionsWithoutReasoningDoNotOpenWordNet() {
    LuckyAnswers answers =
        new LuckyAnswers(
            () -> {
              throw new AssertionError("opened");
            });

    answers.put(new LinkedHashMap<>(), experience(Optional.empty(), answer("9", true)));
  }

  @Test
  void completionsThatEndWithinTheirReasoningAreUnfinished() {
    SequencedMap<String, Double> row = new LinkedHashMap<>();

    GrpoMetrics.putAnswers(
        row,
        experience(
            Optional.empty(),
            answer("<think>2+4", false),
            answer("<think>2+4</think>6", false),
            answer("9", true),
            answer("<think>1</think>2<think>3", false)),
        new WeightedReward(List.of(new WeightedReward.Term("bytes", BYTES, 1))));

    assertThat(row).containsEntry("unfinished_ratio", 0.5);
  }

  private static GrpoSettings settings(int prompts, double beta, double learningRate) {
    GrpoSettings settings = TinyRun.settings(1);
    return settings
        .withRollouts(GrpoSettings.Rollout.of(prompts, GROUP_SIZE, MAX_LENGTH, settings.sampling()))
        .withLoss(settings.loss().withMaxLength(MAX_LENGTH).withBeta(beta))
        .withOptimizer(settings.optimizer().withLearningRate(learningRate));
  }

  /// The completions of a run's first step, sampled once more, with rewards and advantages.
  private static List<Group> sampled(
      RolloutSampler sampler, Tokenizer tokenizer, Reward reward, GrpoSettings settings) {
    List<QaRecord> records =
        new RecordSampler<>(TinyRun.questions(6), settings.rollouts().prompts())
            .batch(SamplerState.start(settings.sampling().seed()));
    return GroupAdvantages.of(
        new RewardStage(
                new WeightedReward(List.of(new WeightedReward.Term("bytes", reward, 1))), tokenizer)
            .score(
                sampler.sampleGroups(
                    records,
                    GROUP_SIZE,
                    MAX_LENGTH,
                    settings.sampling(),
                    RolloutSampler.Draw.of(0, RolloutSampler.Purpose.FIRST))),
        settings.advantages(),
        false);
  }

  /// The softmax of the logits at a completion token.
  private static double[] distribution(LlamaModel model, Rollout rollout, int token) {
    int count = rollout.prompt().length + token;
    long[] ids = new long[count];
    Arrays.setAll(ids, rollout::token);
    try (NDManager scope = model.manager().newSubManager()) {
      NDArray logits = model.logits(scope, scope.create(ids).reshape(1, count));
      float[] last = logits.get(count - 1).toFloatArray();
      double[] p = new double[last.length];
      double sum = 0;
      for (int id = 0; id < p.length; id++) {
        p[id] = Math.exp(last[id]);
        sum += p[id];
      }
      for (int id = 0; id < p.length; id++) {
        p[id] /= sum;
      }
      return p;
    }
  }

  /// What a test does with a model and what samples from it.
  @FunctionalInterface
  private interface Body {
    void run(LlamaModel model, OptimizerStep optimizer, RolloutSampler sampler, Tokenizer tokenizer)
        throws IOException;
  }

  private static void with(Body body) throws IOException {
    TorchOps.prepareThread(1);
    try (NDManager manager = NDManager.newBaseManager();
        Tokenizer tokenizer = Tokenizer.byteLevel();
        LlamaModel model = TinyRun.model(manager);
        RolloutSampler sampler = new RolloutSampler(model, tokenizer, Set.of(), TinyRun.RUNTIME);
        OptimizerStep optimizer = new OptimizerStep(model.ops(), model.parameters())) {
      body.run(model, optimizer, sampler, tokenizer);
    }
  }

  /// Half of the questions have no spread of rewards.
  @Test
  void entropyIsTheMeanOverAllTokensOfAllCompletions() throws IOException {
    Reward half =
        (query, reference, completion) ->
            query.matches("q[024]") ? BYTES.score(query, reference, completion) : RewardScore.of(1);
    GrpoSettings settings = settings(4, 0, 1e-3);
    Map<String, Double> row = TinyRun.of(directory, half).train(settings).heard().rows.getFirst();

    with(
        (model, optimizer, sampler, tokenizer) -> {
          List<Double> entropies = new ArrayList<>();
          for (Rollout rollout :
              GrpoMetrics.rollouts(sampled(sampler, tokenizer, half, settings))) {
            for (int t = 0; t < rollout.length(); t++) {
              double[] p = distribution(model, rollout, t);
              entropies.add(-Arrays.stream(p).map(each -> each * Math.log(each)).sum());
            }
          }
          assertThat(row.get("frac_reward_zero_std")).isBetween(0.1, 0.9);
          assertThat(row.get("entropy"))
              .isCloseTo(
                  entropies.stream().mapToDouble(each -> each).average().orElse(0), within(1e-4));
        });
  }

  /// The mean over completions of the sum of r - 1 - ln r over their tokens, r new over old.
  @Test
  void stepKlIsTheDivergenceThatTheUpdateMade() throws IOException {
    GrpoSettings settings = settings(2, 0, 1e-2);

    with(
        (model, optimizer, sampler, tokenizer) -> {
          List<Group> groups = sampled(sampler, tokenizer, BYTES, settings);
          List<Rollout> rollouts = GrpoMetrics.rollouts(groups);
          List<double[]> before = rollouts.stream().map(each -> logp(model, each)).toList();

          PolicyOptimizer.Outcome outcome =
              new PolicyOptimizer(model, optimizer, sampler, null, settings)
                  .update(groups, 0, SpikeGuard.State.start());

          double sum = 0;
          for (int i = 0; i < rollouts.size(); i++) {
            double[] after = logp(model, rollouts.get(i));
            for (int t = 0; t < after.length; t++) {
              double ratio = Math.exp(after[t] - before.get(i)[t]);
              sum += ratio - 1 - Math.log(ratio);
            }
          }
          double expected = sum / rollouts.size();
          assertThat(expected).isGreaterThan(1e-3);
          assertThat(outcome.metric("step_kl")).isCloseTo(expected, within(1e-3 * expected + 1e-6));
        });
  }

  private static double[] logp(LlamaModel model, Rollout rollout) {
    double[] logp = new double[rollout.length()];
    Arrays.setAll(logp, t -> Math.log(distribution(model, rollout, t)[rollout.completion()[t]]));
    return logp;
  }

  @Test
  void gradientAgreementIsTheCosineOfTheGradientsOfTwoHalves() throws IOException {
    GrpoSettings settings = settings(4, 0, 1e-3);

    with(
        (model, optimizer, sampler, tokenizer) -> {
          List<Group> groups = sampled(sampler, tokenizer, BYTES, settings);
          PolicyUpdate update = new PolicyUpdate(model, optimizer, settings.loss(), null, settings);

          double agreement = accumulate(update, optimizer, groups).agreement();

          accumulate(update, optimizer, groups.subList(0, 2));
          float[] first = gradients(model);
          accumulate(update, optimizer, groups.subList(2, 4));
          float[] second = gradients(model);
          double product = 0;
          double firstSquares = 0;
          double secondSquares = 0;
          for (int i = 0; i < first.length; i++) {
            product += (double) first[i] * second[i];
            firstSquares += (double) first[i] * first[i];
            secondSquares += (double) second[i] * second[i];
          }
          assertThat(agreement)
              .isCloseTo(product / Math.sqrt(firstSquares * secondSquares), within(1e-4));
          assertThat(accumulate(update, optimizer, groups.subList(0, 1)).agreement()).isNaN();
        });
  }

  private static PolicyUpdate.Result accumulate(
      PolicyUpdate update, OptimizerStep optimizer, List<Group> groups) {
    optimizer.skip();
    return update.accumulate(
        new UpdateBatch(GrpoMetrics.rollouts(groups), List.of()), new StepTimes());
  }

  private static float[] gradients(LlamaModel model) {
    List<float[]> parts =
        model.parameters().stream().map(each -> each.gradient().toFloatArray()).toList();
    float[] all = new float[parts.stream().mapToInt(part -> part.length).sum()];
    int next = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, next, part.length);
      next += part.length;
    }
    return all;
  }

  /// A replayed completion whose log-probabilities were a quarter lower when it was sampled.
  @Test
  void mismatchIsOfTheOwnCompletionsAndDriftOfTheReplayedOnes() throws IOException {
    GrpoSettings settings = settings(2, 0, 1e-3);

    with(
        (model, optimizer, sampler, tokenizer) -> {
          List<Group> groups = sampled(sampler, tokenizer, BYTES, settings);
          Rollout some = GrpoMetrics.rollouts(groups).getFirst();
          double[] lower =
              Arrays.stream(some.samplerLogProbabilities()).map(each -> each - 0.25).toArray();
          Rollout old =
              new Rollout(
                  some.prompt(),
                  some.completion(),
                  Rollout.Sampled.of(lower),
                  some.finish(),
                  some.text(),
                  some.scored(),
                  some.learnable());

          Map<String, Double> metrics =
              new PolicyOptimizer(model, optimizer, sampler, null, settings)
                  .update(
                      List.of(new UpdateBatch(GrpoMetrics.rollouts(groups), List.of(old))),
                      1e-3,
                      0,
                      SpikeGuard.State.start(),
                      new StepTimes())
                  .metrics();

          assertThat(metrics.get("logp_mismatch")).isLessThan(1e-4);
          assertThat(metrics.get("replay_drift")).isCloseTo(0.25, within(1e-3));
        });
  }
}
