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

  /// The pieces by name, for messages.
  String pieces(boolean subNorms) {
    List<String> pieces = new ArrayList<>();
    if (subNorms) {
      pieces.add("sub-norms");
    }
    if (queryKeyNorms) {
      pieces.add("q_norm and k_norm");
    }
    if (inputBiases) {
      pieces.add("biases of q, k and v");
    }
    if (outputBias) {
      pieces.add("a bias of o");
    }
    return String.join(" with ", pieces);
  }
}
