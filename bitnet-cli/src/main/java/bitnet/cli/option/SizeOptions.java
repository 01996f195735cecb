package bitnet.cli.option;

import bitnet.model.LlamaConfig;
import bitnet.model.ParameterBudget;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How large a model is: either a number of parameters, or its dimensions taken literally.
public final class SizeOptions {
  @Option(
      names = "--params",
      paramLabel = "P",
      description = "Number of parameters, 1M to 200B, for example 750M or 1.5B; met within 1%%.")
  private @Nullable String params;

  @Option(
      names = "--hidden_size",
      paramLabel = "N",
      description =
          "Hidden size, instead of --params; requires --intermediate_size, --layers and "
              + "--heads.")
  private @Nullable Integer hidden;

  @Option(
      names = "--intermediate_size",
      paramLabel = "N",
      description = "Intermediate size of the feed-forward block.")
  private @Nullable Integer intermediate;

  @Option(names = "--layers", paramLabel = "N", description = "Number of decoder layers.")
  private @Nullable Integer layers;

  @Option(
      names = "--heads",
      paramLabel = "N",
      description = "Number of attention heads; must divide the hidden size without --head_dim.")
  private @Nullable Integer heads;

  @Option(
      names = "--kv_heads",
      paramLabel = "N",
      description = "Number of key/value heads (grouped-query attention) (default: --heads).")
  private @Nullable Integer keyValueHeads;

  @Option(
      names = "--head_dim",
      paramLabel = "N",
      description = "Width of an attention head (default: hidden size / --heads).")
  private @Nullable Integer headDim;

  private SizeOptions() {}

  /// The text of `--params`, in capitals.
  public Optional<String> params() {
    return Optional.ofNullable(params).map(text -> text.strip().toUpperCase(Locale.ROOT));
  }

  /// The number of parameters asked for, unless the dimensions are given.
  ///
  /// @throws IllegalArgumentException if it is no number or out of range
  public Optional<ParameterBudget> budget() {
    return params().map(ParameterBudget::parse);
  }

  /// The dimensions.
  ///
  /// @param template the pieces of the model, of any size
  /// @throws IllegalArgumentException if neither or both kinds of options are given, some are
  ///     missing, or the values do not fit together
  public LlamaConfig configure(LlamaConfig template) {
    requireOneKind();
    Optional<ParameterBudget> budget = budget();
    if (budget.isPresent()) {
      return budget.get().configure(template);
    }
    int width = Objects.requireNonNull(hidden);
    int headCount = Objects.requireNonNull(heads);
    if (headCount < 1 || (headDim == null && width % headCount != 0)) {
      throw new IllegalArgumentException(
          "hidden_size %d is not a multiple of heads %d; change one of them or give head_dim"
              .formatted(width, headCount));
    }
    return template.withSize(
        width,
        Objects.requireNonNull(intermediate),
        Objects.requireNonNull(layers),
        headCount,
        keyValueHeads == null ? headCount : keyValueHeads,
        headDim == null ? width / headCount : headDim);
  }

  private void requireOneKind() {
    Map<String, @Nullable Integer> dimensions = new LinkedHashMap<>();
    dimensions.put("--hidden_size", hidden);
    dimensions.put("--intermediate_size", intermediate);
    dimensions.put("--layers", layers);
    dimensions.put("--heads", heads);
    List<String> missing =
        dimensions.keySet().stream().filter(name -> dimensions.get(name) == null).toList();
    boolean anyDimension =
        missing.size() < dimensions.size() || keyValueHeads != null || headDim != null;
    String all = String.join(", ", dimensions.keySet());
    if (params != null && anyDimension) {
      throw new IllegalArgumentException(
          "--params chooses the dimensions; give either it or %s".formatted(all));
    }
    if (params == null && !anyDimension) {
      throw new IllegalArgumentException(
          "how large? Give --params, for example --params 750M, or %s".formatted(all));
    }
    if (params == null && !missing.isEmpty()) {
      throw new IllegalArgumentException(
          "%s missing; dimensions are %s".formatted(String.join(", ", missing), all));
    }
  }
}
