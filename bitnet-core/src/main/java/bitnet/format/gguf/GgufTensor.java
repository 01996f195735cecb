package bitnet.format.gguf;

import java.util.Arrays;
import java.util.List;

/// One tensor of a GGUF file.
///
/// @param name for example `blk.0.attn_q.weight`; any printable text, never a path
/// @param type how its values are stored
/// @param shape the dimensions, outermost first (the file has them the other way round)
/// @param offset where the data begin, in bytes after the beginning of all data
public record GgufTensor(String name, GgufType type, List<Long> shape, long offset) {

  /// Copies the shape.
  public GgufTensor {
    shape = List.copyOf(shape);
  }

  /// A tensor that has no place yet.
  public static GgufTensor of(String name, GgufType type, long... shape) {
    return new GgufTensor(name, type, Arrays.stream(shape).boxed().toList(), 0);
  }

  /// The number of values.
  public long count() {
    return shape.stream().reduce(1L, (a, b) -> a * b);
  }

  /// The size of the data in bytes.
  public long bytes() {
    return type.bytes(count());
  }

  /// The innermost dimension.
  public long columns() {
    return shape.getLast();
  }

  /// The product of every dimension but the innermost; 1 for a vector.
  public long rows() {
    return count() / columns();
  }

  /// Whether the dimensions are exactly these.
  public boolean hasShape(long... dimensions) {
    return shape.equals(Arrays.stream(dimensions).boxed().toList());
  }
}
