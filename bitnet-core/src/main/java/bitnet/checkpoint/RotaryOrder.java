package bitnet.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// The order of the rows of q and k within a head. Rotary embeddings turn pairs of them: in a
/// Hugging Face checkpoint row i and row i + headDim/2, in a `llama` GGUF file neighbours.
///
/// @param headDim rows of a head
/// @param neighbours whether the file has pairs as neighbours; else both orders are the same
record RotaryOrder(int headDim, boolean neighbours) {

  /// No reordering.
  static final RotaryOrder SAME = new RotaryOrder(2, false);

  /// Where the file has a row of the checkpoint.
  int inFile(int row) {
    if (!neighbours) {
      return row;
    }
    int within = row % headDim;
    int half = headDim / 2;
    return row - within + 2 * (within % half) + within / half;
  }

  /// The values of a whole bias in the order of the file; where both orders are the same, of
  /// anything.
  MemorySegment apply(MemorySegment floats) {
    if (!neighbours) {
      return floats;
    }
    float[] ordered = new float[(int) (floats.byteSize() / Float.BYTES)];
    for (int i = 0; i < ordered.length; i++) {
      ordered[inFile(i)] = floats.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
    }
    return MemorySegment.ofArray(ordered);
  }

  /// Which row of the checkpoint a row of the file is.
  int inCheckpoint(int row) {
    if (!neighbours) {
      return row;
    }
    int within = row % headDim;
    return row - within + within % 2 * (headDim / 2) + within / 2;
  }
}
