package bitnet.model;

/// What a model takes up where it runs, from its dimensions alone.
///
/// @param config the model
public record ModelFootprint(LlamaConfig config) {

  /// Parameters that become trits, a ternarized embedding included.
  public long ternaryParameters() {
    return config.tensors().stream().filter(config::isTernary).mapToLong(TensorSpec::count).sum();
  }

  /// Memory that inference takes for the weights: two bits per trit, bfloat16 for the rest.
  public long inferenceWeightBytes() {
    long ternary = ternaryParameters();
    return ternary / 4 + 2 * (config.parameterCount() - ternary);
  }

  /// Memory of the keys and values of one sequence as long as the context, in fp32.
  public long cacheBytes() {
    return 2L * Float.BYTES * config.layerCount() * config.keyValueWidth() * config.contextLength();
  }
}
