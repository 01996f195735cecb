package bitnet.reward;

import bitnet.setting.SettingChecks;

/// How a reward model is trained.
///
/// @param epochs how often all records are seen
/// @param learningRate of the optimizer
/// @param seed of the records' order and of new weights
public record RewardTraining(int epochs, double learningRate, long seed) {

  /// One pass through the records.
  ///
  /// @param number from 1
  /// @param loss its mean, nats per record, while the model changed
  public record Epoch(int number, double loss) {}

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if one is out of range
  public RewardTraining {
    SettingChecks.atLeast("epochs", epochs, 1);
    if (!(learningRate > 0 && learningRate <= 100)) {
      throw new IllegalArgumentException(
          "lr %s is not above 0 and at most 100; use 0.1".formatted(learningRate));
    }
  }
}
