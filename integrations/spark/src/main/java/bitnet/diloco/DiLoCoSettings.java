package bitnet.diloco;

import bitnet.setting.SettingChecks;
import bitnet.training.OptionValues;

/// The settings of DiLoCo. [#defaults] and the `with` methods make one.
///
/// @param workers how many train at the same time
/// @param innerSteps optimizer steps of a worker between two outer steps
/// @param outerLr learning rate of the outer step
/// @param outerMomentum Nesterov momentum of the outer step
/// @param deltaType how workers hand on what they changed
public record DiLoCoSettings(
    int workers, long innerSteps, double outerLr, double outerMomentum, DeltaType deltaType) {

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public DiLoCoSettings {
    SettingChecks.atLeast("workers", workers, 1);
    SettingChecks.atLeast("inner_steps", innerSteps, 1);
    if (!(outerLr > 0 && outerLr <= 10)) {
      throw new IllegalArgumentException(
          "outer_lr %s is not above 0 and at most 10; use 0.7".formatted(outerLr));
    }
    if (!(outerMomentum >= 0 && outerMomentum < 1)) {
      throw new IllegalArgumentException(
          "outer_momentum %s is not from 0 to below 1; use 0.5".formatted(outerMomentum));
    }
  }

  /// Two workers, 100 inner steps, and the learning rate of the DiLoCo paper's outer step; its
  /// momentum of 0.9 overshoots with ternary weights (docs/recipes.md).
  public static DiLoCoSettings defaults() {
    return new DiLoCoSettings(2, 100, 0.7, 0.5, DeltaType.FP32);
  }

  /// What must be equal when a run is resumed.
  OptionValues options() {
    return new OptionValues()
        .put("workers", workers)
        .put("inner_steps", innerSteps)
        .put("outer_lr", outerLr)
        .put("outer_momentum", outerMomentum)
        .put("delta_dtype", deltaType.key());
  }
}
