package bitnet.model;

import bitnet.setting.SettingChecks;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/// A low-rank adapter (LoRA, arXiv 2106.09685): `y = W x + scaling * B A dropout(x)`, where W stays
/// as it is, and x is what the linear layer reads before it is quantized.
///
/// @param rank rows of A and columns of B, at least 1
/// @param alpha the numerator of [#scaling], above 0
/// @param targets linear layers that get an A and a B, at least one
/// @param dropout probability with which a value of x is left out in training, from 0 to below 1
/// @param rankStabilized whether the scaling is `alpha / sqrt(rank)` (arXiv 2312.03732)
/// @param norms whether the gains of all RMSNorms are trained as well
public record LoraSettings(
    int rank,
    double alpha,
    Set<LoraTarget> targets,
    double dropout,
    boolean rankStabilized,
    boolean norms) {
  private static final String WEIGHT = "weight";

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public LoraSettings {
    SettingChecks.atLeast("lora_rank", rank, 1);
    if (!(alpha > 0 && Double.isFinite(alpha))) {
      throw new IllegalArgumentException(
          "lora_alpha %s is not a finite number above 0; use %d, twice the rank"
              .formatted(alpha, 2L * rank));
    }
    if (targets.isEmpty()) {
      throw new IllegalArgumentException(
          "lora_targets is empty; use some of " + LoraTarget.keys(EnumSet.allOf(LoraTarget.class)));
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException(
          "lora_dropout %s is not from 0 to below 1; use 0".formatted(dropout));
    }
    targets = Collections.unmodifiableSet(EnumSet.copyOf(targets));
  }

  /// An adapter of all linear layers with alpha twice the rank, without dropout.
  public static LoraSettings ofRank(int rank) {
    return new LoraSettings(rank, 2.0 * rank, EnumSet.allOf(LoraTarget.class), 0, false, false);
  }

  /// These settings with other targets.
  public LoraSettings withTargets(Set<LoraTarget> other) {
    return new LoraSettings(rank, alpha, other, dropout, rankStabilized, norms);
  }

  /// These settings with another probability of dropout.
  public LoraSettings withDropout(double other) {
    return new LoraSettings(rank, alpha, targets, other, rankStabilized, norms);
  }

  /// These settings with or without the gains of the norms.
  public LoraSettings withNorms(boolean other) {
    return new LoraSettings(rank, alpha, targets, dropout, rankStabilized, other);
  }

  /// What the product of B and A is multiplied by.
  public double scaling() {
    return alpha / (rankStabilized ? Math.sqrt(rank) : rank);
  }

  /// Whether a parameter is the weight of a target.
  public boolean adapts(TensorSpec tensor) {
    return LoraTarget.of(tensor).filter(targets::contains).isPresent();
  }

  /// A of a target, `[rank, in]`.
  ///
  /// @param linear the target's weight
  public TensorSpec down(TensorSpec linear) {
    return new TensorSpec(
        factor(linear, "lora_A"), rank, linear.columns(), TensorSpec.Kind.ADAPTER);
  }

  /// B of a target, `[out, rank]`.
  ///
  /// @param linear the target's weight
  public TensorSpec up(TensorSpec linear) {
    return new TensorSpec(factor(linear, "lora_B"), linear.rows(), rank, TensorSpec.Kind.ADAPTER);
  }

  private static String factor(TensorSpec linear, String name) {
    String layer = linear.name().substring(0, linear.name().length() - WEIGHT.length());
    return layer + name + "." + WEIGHT;
  }

  /// Every parameter of an adapter of a model: A and B of each target, and the gains of the norms
  /// where they are trained.
  public List<TensorSpec> tensors(LlamaConfig config) {
    List<TensorSpec> tensors = new ArrayList<>();
    for (TensorSpec tensor : config.tensors()) {
      if (adapts(tensor)) {
        tensors.add(down(tensor));
        tensors.add(up(tensor));
      } else if (norms && tensor.kind() == TensorSpec.Kind.NORM) {
        tensors.add(tensor);
      }
    }
    return tensors;
  }

  /// The number of an adapter's parameters.
  public long parameterCount(LlamaConfig config) {
    return tensors(config).stream().mapToLong(TensorSpec::count).sum();
  }
}
