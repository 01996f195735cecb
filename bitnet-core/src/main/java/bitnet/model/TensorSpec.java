package bitnet.model;

/// One parameter of a model: its name in a Hugging Face state dict, its dimensions, its kind.
/// @param name for example `model.layers.0.self_attn.q_proj.weight` or `lm_head.weight`
/// @param rows the first dimension; for a vector its length
/// @param columns the second dimension, 0 for a vector
/// @param kind how the parameter is used and stored
public record TensorSpec(String name, int rows, int columns, Kind kind) {

  /// How a parameter is used and stored.
  public enum Kind {
    /// A BitLinear weight `[out, in]`: fp32 latent in training, else trits and one scale.
    TERNARY,
    /// The token embedding `[vocab, hidden]`.
    EMBEDDING,
    /// The output head `[vocab, hidden]`; absent where it is tied to the embedding.
    HEAD,
    /// An RMSNorm gain.
    NORM,
    /// The bias of a linear layer.
    BIAS,
    /// One of the two factors of a low-rank adapter; no parameter of a model itself.
    ADAPTER
  }

  /// The number of scalars.
  public long count() {
    return (long) rows * Math.max(columns, 1);
  }

  /// The dimensions, one or two of them.
  public long[] shape() {
    return columns == 0 ? new long[] {rows} : new long[] {rows, columns};
  }

  /// Whether the parameter has two dimensions; a norm gain and a bias have one.
  public boolean isMatrix() {
    return columns != 0;
  }
}
