package bitnet.setting;

/// Checks of settings; messages begin with the name of the setting.
public final class SettingChecks {
  private SettingChecks() {}

  /// Checks the least value of a whole number.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public static void atLeast(String name, long value, long least) {
    if (value < least) {
      throw new IllegalArgumentException("%s %d must be at least %d".formatted(name, value, least));
    }
  }
}
