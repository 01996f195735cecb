package bitnet.kernel;

/// Weights `[outFeatures, inFeatures]` of linear layers with one input, off the heap.
public sealed interface WeightMatrix permits TernaryMatrix, GroupTernaryMatrix, FloatMatrix {

  /// The number of output features: rows of the matrix.
  int outFeatures();

  /// The number of input features: columns of the matrix.
  int inFeatures();

  /// Memory in bytes.
  long bytes();
}
