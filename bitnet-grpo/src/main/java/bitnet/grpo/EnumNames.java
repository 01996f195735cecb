package bitnet.grpo;

import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Constants by their names on the command line.
final class EnumNames {
  private EnumNames() {}

  /// The constant of that name.
  ///
  /// @param option what is being named, for the message
  /// @throws IllegalArgumentException if there is none, listing the names there are
  static <E extends Enum<E>> E find(E[] all, Function<E, String> key, String name, String option) {
    return Arrays.stream(all)
        .filter(value -> key.apply(value).equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s \"%s\" is unknown; use one of %s"
                        .formatted(
                            option,
                            name,
                            Arrays.stream(all).map(key).collect(Collectors.joining(", ")))));
  }
}
