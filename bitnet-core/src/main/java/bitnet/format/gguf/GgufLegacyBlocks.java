package bitnet.format.gguf;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Tells files whose type 42 has blocks of 128 trits, as it had before it had blocks of 64: nothing
/// but the room that the tensors have says so.
final class GgufLegacyBlocks {

  private GgufLegacyBlocks() {}

  /// Gives tensors of type Q2_0 the type Q2_0_128 if each of them has just the room that its blocks
  /// of 128 need, and one of them too little for blocks of 64.
  ///
  /// @param tensors of a file; changed in place
  /// @param alignment of the file
  /// @param dataBytes of all tensors
  static void replace(List<GgufTensor> tensors, int alignment, long dataBytes) {
    List<GgufTensor> inOrder = new ArrayList<>(tensors);
    inOrder.sort(Comparator.comparingLong(GgufTensor::offset));
    boolean tooSmall = false;
    for (int i = 0; i < inOrder.size(); i++) {
      GgufTensor tensor = inOrder.get(i);
      if (tensor.type() != GgufType.Q2_0) {
        continue;
      }
      if (tensor.columns() % GgufType.Q2_0_128.blockValues() != 0) {
        return;
      }
      long end = i + 1 < inOrder.size() ? inOrder.get(i + 1).offset() : dataBytes;
      long room = end - tensor.offset();
      long spare = room - legacy(tensor).bytes();
      if (spare < 0 || spare >= alignment) {
        return;
      }
      tooSmall |= room < tensor.bytes();
    }
    if (tooSmall) {
      tensors.replaceAll(tensor -> tensor.type() == GgufType.Q2_0 ? legacy(tensor) : tensor);
    }
  }

  private static GgufTensor legacy(GgufTensor tensor) {
    return new GgufTensor(tensor.name(), GgufType.Q2_0_128, tensor.shape(), tensor.offset());
  }
}
