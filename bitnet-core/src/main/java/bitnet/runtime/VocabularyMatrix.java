package bitnet.runtime;

import bitnet.kernel.QuantizedActivations;
import bitnet.kernel.TernaryKernels;
import bitnet.kernel.ThreadTeam;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// An embedding or output head `[vocab, hidden]`.
sealed interface VocabularyMatrix permits DenseVocabulary, PackedVocabulary {

  /// Rows of floats that are read, converted and multiplied together.
  int GRANULE = 16;

  /// How it is kept.
  LmHeadType type();

  /// The number of rows.
  int vocab();

  /// Memory in bytes.
  long bytes();

  /// Ranges of rows to multiply begin at a multiple of it.
  int granule(TernaryKernels kernels);

  /// Writes one row as floats.
  void getRow(int row, MemorySegment target);

  /// `out[t, r]` for the rows from `firstRow` to below `endRow`.
  ///
  /// @param input `[tokens, hidden]` floats
  /// @param quantized the same, quantized
  void multiply(
      TernaryKernels kernels,
      MemorySegment input,
      QuantizedActivations quantized,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out);

  /// Reads all rows.
  void load(TernaryWeights weights, TensorSpec tensor, TernaryKernels kernels, ThreadTeam team)
      throws IOException;
}
