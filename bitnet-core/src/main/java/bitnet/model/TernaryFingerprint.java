package bitnet.model;

import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// A short name of a ternary model by its trits, whatever form they are stored in: of evenly spaced
/// rows of every linear layer, so that naming a large model takes no time.
public final class TernaryFingerprint {
  private static final int ROWS = 4;
  private static final int BYTES = 8;

  private TernaryFingerprint() {}

  /// The name of a model.
  ///
  /// @throws IOException if a layer is missing or damaged
  public static String of(TernaryWeights weights) throws IOException {
    MessageDigest digest = sha256();
    for (TensorSpec tensor : weights.config().tensors()) {
      if (tensor.kind() == TensorSpec.Kind.TERNARY) {
        TernaryRows rows = weights.ternary(tensor);
        byte[] trits = new byte[rows.columns()];
        for (int i = 0; i < ROWS; i++) {
          rows.unpack((int) ((rows.rows() - 1L) * i / (ROWS - 1)), 1, trits);
          digest.update(trits);
        }
      }
    }
    return HexFormat.of().formatHex(digest.digest(), 0, BYTES);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException("every JDK has SHA-256", missing);
    }
  }
}
