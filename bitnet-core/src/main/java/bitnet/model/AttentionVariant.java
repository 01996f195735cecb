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

  /// Refuses what only the graph computes, so that no part runs a model with a piece left out.
  ///
  /// @param part what cannot compute or store it, as the subject of a sentence
  /// @throws IllegalArgumentException naming the pieces
  public void requireGraphOnlyPiecesAbsent(String part) {
    refuse(part, pieces());
  }

  /// As [#requireGraphOnlyPiecesAbsent], for formats that cannot store a scaling either.
  ///
  /// @param part what cannot store it, as the subject of a sentence
  /// @throws IllegalArgumentException naming the pieces
  public void requireLlama(String part) {
    List<String> pieces = pieces();
    if (!(scaling instanceof RopeScaling.None)) {
      pieces.add("rope scaling \"%s\"".formatted(scaling.key()));
    }
    refuse(part, pieces);
  }

  private List<String> pieces() {
    List<String> pieces = new ArrayList<>();
    if (queryKeyNorms) {
      pieces.add("q_norm and k_norm");
    }
    if (inputBiases || outputBias) {
      pieces.add("biases of attention");
    }
    return pieces;
  }

  private static void refuse(String part, List<String> pieces) {
    if (!pieces.isEmpty()) {
      throw new IllegalArgumentException(
          "%s does not support this model's %s; use logits --full_precision"
              .formatted(part, String.join(" and ", pieces)));
    }
  }
}
