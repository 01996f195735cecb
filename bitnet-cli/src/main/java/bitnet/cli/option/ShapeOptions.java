package bitnet.cli.option;

import bitnet.model.Activation;
import bitnet.model.LlamaConfig;
import java.util.List;
import picocli.CommandLine.Option;

/// The blank model that a benchmark trains.
public final class ShapeOptions {
  /// The options.
  public static final List<String> NAMES =
      List.of("--hidden_size", "--layers", "--intermediate_size", "--vocab_size");

  private static final int HEAD_DIM = 64;

  @Option(
      names = "--hidden_size",
      defaultValue = "256",
      paramLabel = "N",
      description = "Hidden size, a multiple of 64 (default: ${DEFAULT-VALUE}).")
  private int hidden;

  @Option(
      names = "--layers",
      defaultValue = "6",
      paramLabel = "N",
      description = "Number of decoder layers (default: ${DEFAULT-VALUE}).")
  private int layers;

  @Option(
      names = "--intermediate_size",
      defaultValue = "768",
      paramLabel = "N",
      description = "Intermediate size of the feed-forward block (default: ${DEFAULT-VALUE}).")
  private int ffn;

  @Option(
      names = "--vocab_size",
      defaultValue = "4096",
      paramLabel = "N",
      description = "Vocabulary size (default: ${DEFAULT-VALUE}).")
  private int vocab;

  private ShapeOptions() {}

  /// The dimensions that these options give.
  ///
  /// @param context the longest sequence, in tokens
  /// @throws IllegalArgumentException if a dimension is impossible, naming it
  public LlamaConfig config(int context) {
    if (hidden % HEAD_DIM != 0) {
      throw new IllegalArgumentException(
          "--hidden_size %d is not a multiple of %d; use %d"
              .formatted(hidden, HEAD_DIM, Math.ceilDiv(hidden, HEAD_DIM) * HEAD_DIM));
    }
    int heads = hidden / HEAD_DIM;
    return new LlamaConfig(
        vocab,
        hidden,
        layers,
        context,
        new LlamaConfig.Heads(heads, heads, HEAD_DIM, 10000),
        new LlamaConfig.FeedForward(ffn, Activation.SILU),
        LlamaConfig.Norms.LLAMA,
        LlamaConfig.Weights.SEPARATE);
  }
}
