package bitnet.setting;

import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Enum constants by their names in settings.
public final class NamedValues {
  private NamedValues() {}

  /// The constant of that name.
  ///
  /// @param all every constant of the setting
  /// @param key gives the name of a constant
  /// @param name the value of the setting
  /// @param setting the name of the setting, for the message
  /// @throws IllegalArgumentException if the name is unknown, listing all names
  public static <E extends Enum<E>> E find(
      E[] all, Function<E, String> key, String name, String setting) {
    return Arrays.stream(all)
        .filter(value -> key.apply(value).equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s \"%s\" is unknown; use one of %s"
                        .formatted(
                            setting,
                            name,
                            Arrays.stream(all).map(key).collect(Collectors.joining(", ")))));
  }
}
