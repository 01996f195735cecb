package bitnet.training;

import bitnet.setting.SettingChecks;

/// When a run saves checkpoints.
///
/// @param saveInterval steps between two checkpoints; 0: only at the end
/// @param keep number of most recent checkpoints to keep
public record CheckpointSettings(long saveInterval, int keep) {

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public CheckpointSettings {
    SettingChecks.atLeast("save_interval", saveInterval, 0);
    SettingChecks.atLeast("keep", keep, 1);
  }
}
