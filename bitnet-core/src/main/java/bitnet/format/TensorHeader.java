package bitnet.format;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// A tensor to be written: everything that a header says but the place.
///
/// @param name the key in the state dict
/// @param dtype element type
/// @param shape the dimensions, outermost first; empty for a scalar
public record TensorHeader(String name, DType dtype, List<Long> shape) {
  /// The name of the metadata object of a safetensors header; no tensor may have it.
  public static final String METADATA = "__metadata__";

  /// Checks name and shape.
  ///
  /// @throws IllegalArgumentException if the name is empty or holds control characters, a
  ///     dimension is negative, or the size overflows
  public TensorHeader {
    shape = List.copyOf(shape);
    Optional<String> fault = nameFault(name);
    if (fault.isPresent()) {
      throw new IllegalArgumentException(
          "tensor '%s': %s".formatted(CheckpointException.quote(name), fault.get()));
    }
    if (shape.stream().anyMatch(dimension -> dimension < 0)) {
      throw new IllegalArgumentException(
          "tensor '%s': shape %s has a negative dimension".formatted(name, shape));
    }
    try {
      byteSize(dtype, shape);
    } catch (ArithmeticException overflow) {
      throw new IllegalArgumentException(
          "tensor '%s': the size of shape %s overflows".formatted(name, shape), overflow);
    }
  }

  /// A tensor of these dimensions.
  public static TensorHeader of(String name, DType dtype, long... shape) {
    return new TensorHeader(name, dtype, Arrays.stream(shape).boxed().toList());
  }

  /// The size of the data in bytes.
  public long bytes() {
    return byteSize(dtype, shape);
  }

  /// What is wrong with a name, if anything.
  public static Optional<String> nameFault(String name) {
    if (name.isEmpty()) {
      return Optional.of("the name is empty");
    }
    if (name.equals(METADATA)) {
      return Optional.of("the name is reserved for metadata");
    }
    boolean unwritable =
        name.codePoints()
            .anyMatch(
                c -> Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE);
    return unwritable
        ? Optional.of("the name holds a control character or half a surrogate pair")
        : Optional.empty();
  }

  /// Product of the dimensions times the element size. A zero dimension does not excuse the others:
  /// code that multiplies them in another order must not overflow either.
  ///
  /// @throws ArithmeticException if it overflows
  public static long byteSize(DType dtype, List<Long> shape) {
    long bytes = dtype.bytes();
    boolean empty = false;
    for (long dimension : shape) {
      if (dimension == 0) {
        empty = true;
      } else {
        bytes = Math.multiplyExact(bytes, dimension);
      }
    }
    return empty ? 0 : bytes;
  }
}
