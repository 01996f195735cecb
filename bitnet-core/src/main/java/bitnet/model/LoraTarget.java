package bitnet.model;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// The linear layers of a decoder layer that an adapter can change.
public enum LoraTarget {
  Q("self_attn.q_proj"),
  K("self_attn.k_proj"),
  V("self_attn.v_proj"),
  O("self_attn.o_proj"),
  GATE("mlp.gate_proj"),
  UP("mlp.up_proj"),
  DOWN("mlp.down_proj");

  private final String path;

  LoraTarget(String path) {
    this.path = path;
  }

  /// Its name in options: `q`, `gate`.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// Its module's name in PEFT's `target_modules`: `q_proj`.
  public String module() {
    return path.substring(path.indexOf('.') + 1);
  }

  /// The target that a parameter is the weight of.
  public static Optional<LoraTarget> of(TensorSpec tensor) {
    return Arrays.stream(values())
        .filter(target -> tensor.name().endsWith("." + target.path + ".weight"))
        .findFirst();
  }

  /// The target of a name.
  ///
  /// @param name its [#key] or its [#module]
  /// @throws IllegalArgumentException if there is none, listing those that there are
  public static LoraTarget of(String name) {
    return Arrays.stream(values())
        .filter(target -> target.key().equals(name) || target.module().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "lora_targets \"%s\" is not known; use some of %s"
                        .formatted(name, keys(EnumSet.allOf(LoraTarget.class)))));
  }

  /// The names of some targets in options, separated by commas.
  public static String keys(Set<LoraTarget> targets) {
    return targets.stream().sorted().map(LoraTarget::key).collect(Collectors.joining(","));
  }
}
