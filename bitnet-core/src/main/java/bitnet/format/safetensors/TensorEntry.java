package bitnet.format.safetensors;

import bitnet.format.DType;
import java.util.List;

/// One tensor of a safetensors file, as its header describes it.
///
/// @param name the key in the state dict; any printable text, never a path
/// @param dtype element type
/// @param shape the dimensions, outermost first; empty for a scalar
/// @param offset where the data begin, in bytes after the header
/// @param bytes the size of the data
public record TensorEntry(String name, DType dtype, List<Long> shape, long offset, long bytes) {

  /// Copies the shape.
  public TensorEntry {
    shape = List.copyOf(shape);
  }

  /// The number of elements.
  public long count() {
    return bytes / dtype.bytes();
  }

  /// The first dimension; 1 for a scalar.
  public long rows() {
    return shape.isEmpty() ? 1 : shape.getFirst();
  }

  /// Elements in one row: the product of every dimension but the first.
  public long rowLength() {
    return rows() == 0 ? 0 : count() / rows();
  }

  /// Whether the dimensions are exactly these.
  public boolean hasShape(long... dimensions) {
    if (dimensions.length != shape.size()) {
      return false;
    }
    for (int i = 0; i < dimensions.length; i++) {
      if (shape.get(i) != dimensions[i]) {
        return false;
      }
    }
    return true;
  }
}
