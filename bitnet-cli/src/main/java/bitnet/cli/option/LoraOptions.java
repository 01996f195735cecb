package bitnet.cli.option;

import bitnet.model.LoraSettings;
import bitnet.model.LoraTarget;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options of commands that can train a low-rank adapter in place of the weights.
public final class LoraOptions {

  @Option(
      names = "--lora_rank",
      paramLabel = "R",
      description =
          "Train a LoRA adapter of this rank, at least 1, on the packed weights of the model, which"
              + " stay as they are; the run writes an adapter in place of a model (default: train"
              + " the weights).")
  private @Nullable Integer rank;

  @Option(
      names = "--lora_alpha",
      paramLabel = "A",
      description =
          "The adapter's product is scaled by A / rank; above 0 (default: twice the rank).")
  private @Nullable Double alpha;

  @Option(
      names = "--lora_targets",
      paramLabel = "NAMES",
      description =
          "Linear layers with an adapter, separated by commas: q, k, v, o, gate, up, down (default:"
              + " all).")
  private @Nullable String targets;

  @Option(
      names = "--lora_dropout",
      paramLabel = "P",
      description =
          "Probability with which an input of the adapter is left out in training, from 0 to below"
              + " 1 (default: 0).")
  private @Nullable Double dropout;

  @Option(names = "--lora_norms", description = "Train the gains of all RMSNorms with the adapter.")
  private boolean norms;

  private LoraOptions() {}

  /// The adapter to train; empty to train the weights.
  ///
  /// @throws IllegalArgumentException naming the option, the rule and a remedy
  public Optional<LoraSettings> settings() {
    if (rank == null) {
      requireNone();
      return Optional.empty();
    }
    return Optional.of(
        new LoraSettings(
            rank,
            alpha == null ? 2.0 * rank : alpha,
            targets == null ? EnumSet.allOf(LoraTarget.class) : targets(targets),
            dropout == null ? 0 : dropout,
            false,
            norms));
  }

  private void requireNone() {
    String given =
        alpha != null
            ? "--lora_alpha"
            : targets != null
                ? "--lora_targets"
                : dropout != null ? "--lora_dropout" : norms ? "--lora_norms" : "";
    if (!given.isEmpty()) {
      throw new IllegalArgumentException(
          given + " has no effect without --lora_rank; give both or none");
    }
  }

  private static Set<LoraTarget> targets(String names) {
    EnumSet<LoraTarget> targets = EnumSet.noneOf(LoraTarget.class);
    Arrays.stream(names.split(",", -1))
        .map(String::strip)
        .filter(name -> !name.isEmpty())
        .map(LoraTarget::of)
        .forEach(targets::add);
    return targets;
  }
}
