package bitnet.reward;

import bitnet.model.ComputeSettings;
import bitnet.setting.NamedClass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/// What `--reward_model` and `--reward_weights` name:
///
/// | | |
/// |---|---|
/// | `f1` or `qa_reward`, `f1(no_articles)` | [TokenF1] |
/// | `final_answer` or `exact` | [FinalAnswer] |
/// | `format` | [Format] |
/// | `length`, `length(FREE,LIMIT)` | [LengthPenalty] |
/// | `random`, `random(P)` | [RandomReward] |
/// | `0.7*f1+0.3*format` | an expression over these |
/// | a directory | a model that `train-reward` wrote |
/// | `com.example.MyReward` | a class of the class path that implements [Reward] |
///
/// @param rewards one or more of these
/// @param weights as many, or none: then each counts 1
public record RewardSpec(List<String> rewards, List<Double> weights) {
  private static final Pattern CLASS_NAME =
      Pattern.compile("(?:[\\p{L}_][\\p{L}\\p{N}_$]*\\.)+[\\p{L}_][\\p{L}\\p{N}_$]*");

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if there is no reward, or there are not as many weights
  public RewardSpec {
    rewards = List.copyOf(rewards);
    weights = List.copyOf(weights);
    if (rewards.isEmpty()) {
      throw new IllegalArgumentException("no reward is named; use f1, for example");
    }
    if (!weights.isEmpty() && weights.size() != rewards.size()) {
      throw new IllegalArgumentException(
          "%d reward_weights %s do not match %d reward_model %s; give one weight for each"
              .formatted(weights.size(), weights, rewards.size(), rewards));
    }
  }

  /// Makes the rewards; opens the models among them, which use every processor.
  ///
  /// @throws IllegalArgumentException if one is not known, saying which there are
  /// @throws IOException if a model's directory cannot be read
  public WeightedReward open() throws IOException {
    return open(ComputeSettings.automatic());
  }

  /// Makes the rewards; opens the models among them.
  ///
  /// @param compute where the models compute
  /// @throws IllegalArgumentException if one is not known, saying which there are
  /// @throws IOException if a model's directory cannot be read
  public WeightedReward open(ComputeSettings compute) throws IOException {
    List<WeightedReward.Term> terms = new ArrayList<>();
    try {
      for (int i = 0; i < rewards.size(); i++) {
        terms.add(
            new WeightedReward.Term(
                rewards.get(i),
                open(rewards.get(i), compute),
                weights.isEmpty() ? 1 : weights.get(i)));
      }
    } catch (IOException | RuntimeException failure) {
      terms.forEach(term -> term.reward().close());
      throw failure;
    }
    return new WeightedReward(terms);
  }

  private static Reward open(String spec, ComputeSettings compute) throws IOException {
    if (isDirectory(spec)) {
      return RewardModel.open(Path.of(spec), compute);
    }
    if (CLASS_NAME.matcher(spec).matches()) {
      return NamedClass.instance(spec, Reward.class, "reward");
    }
    return RewardExpression.parse(spec, RewardSpec::named).unwrapped();
  }

  private static boolean isDirectory(String spec) {
    try {
      return !spec.isBlank() && Files.isDirectory(Path.of(spec));
    } catch (InvalidPathException noPath) { // an expression, where * is no letter of a path
      return false;
    }
  }

  private static Reward named(RewardName reward) {
    boolean takesArguments = reward.name().matches("length|f1|qa_reward|random");
    if (!reward.arguments().isEmpty() && !takesArguments) {
      throw new IllegalArgumentException(
          "reward %s takes no arguments; write %s".formatted(reward, reward.name()));
    }
    return switch (reward.name()) {
      case "f1", "qa_reward" -> overlap(reward);
      case "final_answer", "exact" -> new FinalAnswer();
      case "format" -> new Format();
      case "length" -> length(reward);
      case "random" -> random(reward);
      default ->
          throw new IllegalArgumentException(
              "reward \"%s\" is unknown; use f1 (qa_reward), final_answer (exact), format, length, random,"
                      .formatted(reward)
                  + " an expression over these like 0.7*f1+0.3*format, the directory of a model"
                  + " from train-reward, or the full name of a class that implements"
                  + " bitnet.reward.Reward");
    };
  }

  private static TokenF1 overlap(RewardName reward) {
    if (reward.arguments().isEmpty()) {
      return new TokenF1();
    }
    if (!reward.arguments().equals(List.of("no_articles"))) {
      throw new IllegalArgumentException(
          "reward %s has an unknown argument; write %s or %s(no_articles), which leaves out a, an"
                  .formatted(reward, reward.name(), reward.name())
              + " and the");
    }
    return new TokenF1(TokenF1.Articles.LEFT_OUT);
  }

  private static RandomReward random(RewardName reward) {
    List<String> arguments = reward.arguments();
    if (arguments.isEmpty()) {
      return new RandomReward(0.5);
    }
    if (arguments.size() != 1 || !arguments.getFirst().matches("\\d{0,9}\\.?\\d{1,9}")) {
      throw new IllegalArgumentException(
          "reward %s needs one probability, as in random(0.5)".formatted(reward));
    }
    return new RandomReward(Double.parseDouble(arguments.getFirst()));
  }

  private static LengthPenalty length(RewardName reward) {
    List<String> arguments = reward.arguments();
    if (arguments.isEmpty()) {
      return new LengthPenalty();
    }
    if (arguments.size() != 2 || arguments.stream().anyMatch(it -> !it.matches("\\d{1,9}"))) {
      throw new IllegalArgumentException(
          "reward %s needs two whole numbers of characters, as in length(200,400)"
              .formatted(reward));
    }
    return new LengthPenalty(
        Integer.parseInt(arguments.getFirst()), Integer.parseInt(arguments.getLast()));
  }
}
