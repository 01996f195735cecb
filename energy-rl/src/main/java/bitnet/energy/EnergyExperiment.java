package bitnet.energy;

import java.util.List;
import java.util.OptionalDouble;
import java.util.SplittableRandom;

/// A training with its evaluation.
///
/// @param agent after training
/// @param training what happened in each episode of it
/// @param before the agent's evaluation before training
/// @param random that of [Policy#RANDOM]
/// @param after the agent's after training
/// @param optimal that of [ValueIteration], on as many episodes
/// @param optimum the solution, whose expected reward is exact
public record EnergyExperiment(
    QLearningAgent agent,
    List<EnergyMetrics> training,
    EnergyEvaluation before,
    EnergyEvaluation random,
    EnergyEvaluation after,
    EnergyEvaluation optimal,
    ValueIteration optimum) {

  /// Copies the list.
  public EnergyExperiment {
    training = List.copyOf(training);
  }

  /// Trains and evaluates. The result is a function of the arguments.
  ///
  /// @param evaluationEpisodes of each evaluation, at least 2
  /// @throws IllegalArgumentException if there are fewer
  public static EnergyExperiment run(
      EnergyEnvironment environment, LearningSettings settings, int evaluationEpisodes, long seed) {
    SplittableRandom source = new SplittableRandom(seed);
    long evaluationSeed = source.nextLong();
    Evaluator evaluator =
        policy ->
            EnergyEvaluation.of(
                environment,
                policy,
                settings.maxSteps(),
                evaluationEpisodes,
                new SplittableRandom(evaluationSeed));
    QLearningAgent agent = new QLearningAgent(environment, settings);
    EnergyEvaluation before = evaluator.evaluate(agent);
    EnergyEvaluation random = evaluator.evaluate(Policy.RANDOM);
    List<EnergyMetrics> training = agent.train(source.split());
    ValueIteration optimum = ValueIteration.of(environment, settings.maxSteps());
    return new EnergyExperiment(
        agent,
        training,
        before,
        random,
        evaluator.evaluate(agent),
        evaluator.evaluate(optimum),
        optimum);
  }

  /// The mean reward after training as a share of the optimum; none if even the best policy earns
  /// nothing.
  public OptionalDouble reached() {
    double best = optimum.expectedReward();
    return best > 0 ? OptionalDouble.of(after.meanReward() / best) : OptionalDouble.empty();
  }

  @FunctionalInterface
  private interface Evaluator {
    EnergyEvaluation evaluate(Policy policy);
  }
}
