package bitnet.model;

import java.util.ArrayList;
import java.util.List;

/// In what a family's attention differs from LLaMA's.
///
/// @param scaling of the rotary frequencies
/// @param queryKeyNorms whether each head of q and of k goes through an RMSNorm before the rotation
/// @param inputBiases whether q_proj, k_proj and v_proj have biases
/// @param outputBias whether o_proj has a bias
public record AttentionVariant(
    RopeScaling scaling, boolean queryKeyNorms, boolean inputBiases, boolean outputBias) {

  /// LLaMA's attention.
  public static final AttentionVariant LLAMA =
      new AttentionVariant(new RopeScaling.None(), false, false, false);

  /// Refuses every difference from LLaMA, for formats that cannot store one.
  ///
  /// @param part what cannot store it, as the subject of a sentence
  /// @throws IllegalArgumentException naming the pieces
  public void requireLlama(String part) {
    List<String> pieces = new ArrayList<>();
    if (queryKeyNorms) {
      pieces.add("q_norm and k_norm");
    }
    if (inputBiases || outputBias) {
      pieces.add("biases of attention");
    }
    if (!(scaling instanceof RopeScaling.None)) {
      pieces.add("rope scaling \"%s\"".formatted(scaling.key()));
    }
    if (!pieces.isEmpty()) {
      throw new IllegalArgumentException(
          "%s does not support this model's %s; use a model directory of this toolkit"
              .formatted(part, String.join(" and ", pieces)));
    }
  }
}
