package bitnet.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Int8 activations of up to `capacity` tokens, `[capacity, inFeatures]`, off the heap, with a
/// scale and the sum of the int8 values for each token. [TernaryKernels#quantize] fills it.
public final class QuantizedActivations {
  /// Codes of a token begin at a multiple of so many bytes and are padded with zeros up to one.
  public static final int ALIGNMENT = 64;

  /// Kernels may read the values of so many tokens at once, whatever follows the last one.
  private static final int TOKEN_GRANULE = 16;

  private final int capacity;
  private final int columns;
  private final int stride;
  private final MemorySegment values;
  private final MemorySegment scales;
  private final MemorySegment sums;

  /// Memory for activations, all zero.
  ///
  /// @param arena owns the memory
  /// @param capacity the most tokens
  /// @param columns values of a token
  public QuantizedActivations(Arena arena, int capacity, int columns) {
    this.capacity = capacity;
    this.columns = columns;
    this.stride = Math.ceilDiv(columns, ALIGNMENT) * ALIGNMENT;
    long rows = Math.ceilDiv(capacity, TOKEN_GRANULE) * (long) TOKEN_GRANULE;
    this.values = arena.allocate(rows * stride, ALIGNMENT);
    this.scales = arena.allocate(ValueLayout.JAVA_FLOAT, capacity);
    this.sums = arena.allocate(ValueLayout.JAVA_INT, capacity);
  }

  /// The most tokens.
  public int capacity() {
    return capacity;
  }

  /// Values of a token.
  public int columns() {
    return columns;
  }

  /// Bytes from one token's values to the next token's.
  public int stride() {
    return stride;
  }

  /// Signed bytes, `[capacity, stride]` and room up to a multiple of 16 tokens.
  MemorySegment values() {
    return values;
  }

  /// The value of one int8 unit, `[capacity]` floats: the inverse of the multiplier `a`.
  MemorySegment scales() {
    return scales;
  }

  /// The sum of each token's int8 values, `[capacity]` ints.
  MemorySegment sums() {
    return sums;
  }
}
