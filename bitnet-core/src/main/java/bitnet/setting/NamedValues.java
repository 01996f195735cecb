package bitnet.setting;

import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Constants by the names that a setting gives them.
public final class NamedValues {
  private NamedValues() {}

  /// The constant of that name.
  ///
  /// @param all of the setting
  /// @param key the name of a constant
  /// @param setting what the message calls the setting
  /// @throws IllegalArgumentException if there is none, listing all names
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
