package bitnet.kernel;

import java.lang.foreign.MemorySegment;

/// Weights `[outFeatures, inFeatures]` that are not ternary, off the heap: those of embeddings and
/// heads.
public sealed interface DenseMatrix permits FloatMatrix, Int8Matrix, Int4Matrix {

  /// The number of output features: rows of the matrix.
  int outFeatures();

  /// The number of input features: columns of the matrix.
  int inFeatures();

  /// Memory in bytes.
  long bytes();

  /// Stores a row, quantized where the type is.
  ///
  /// @param values among others the row's
  /// @param offset where the row begins
  /// @throws IllegalArgumentException if it is quantized and a value is not finite
  void setRow(int row, float[] values, int offset);

  /// Writes a row back as floats.
  ///
  /// @param target `[inFeatures]` float32
  void getRow(int row, MemorySegment target);
}
