package bitnet.model;

/// Cosines and sines of rotary position embedding (Su et al., arXiv 2104.09864): of
/// `position / theta^(2i / headDim)`, stretched by the model's [RopeScaling] and times its factor
/// of attention, in fp32 as Hugging Face computes them.
///
/// @param positions rows of the tables
/// @param half columns of the tables, half a head
/// @param cos `[positions, half]`
/// @param sin `[positions, half]`
public record RotaryTable(int positions, int half, float[] cos, float[] sin) {

  /// The table of a model's first positions.
  public static RotaryTable of(LlamaConfig config, int positions) {
    int half = config.headDim() / 2;
    RopeScaling scaling = config.heads().variant().scaling();
    float factor = (float) scaling.attentionFactor();
    float[] cosines = new float[positions * half];
    float[] sines = new float[positions * half];
    for (int i = 0; i < half; i++) {
      double plain = 1.0 / Math.pow(config.ropeTheta(), 2.0 * i / config.headDim());
      float frequency = (float) scaling.stretch(plain, i, config.heads());
      for (int position = 0; position < positions; position++) {
        float angle = position * frequency;
        cosines[position * half + i] = (float) Math.cos(angle) * factor;
        sines[position * half + i] = (float) Math.sin(angle) * factor;
      }
    }
    return new RotaryTable(positions, half, cosines, sines);
  }
}
