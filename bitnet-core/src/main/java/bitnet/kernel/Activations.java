package bitnet.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Quantised activations of up to `capacity` tokens, `[capacity, columns]`: 8-bit codes, off the
/// heap, with a step and the sum of the codes for each token. [TernaryKernels#quantize] fills it.
public final class Activations {
  /// Codes of a token begin at a multiple of so many bytes and are padded with zeros up to one.
  public static final int ALIGNMENT = 64;

  /// Kernels may read codes of so many tokens at once, whatever lies behind the last one.
  private static final int TOKEN_GRANULE = 16;

  private final int capacity;
  private final int columns;
  private final int stride;
  private final MemorySegment codes;
  private final MemorySegment steps;
  private final MemorySegment sums;

  /// Memory for activations, all zero.
  ///
  /// @param arena owns the memory
  /// @param capacity the most tokens
  /// @param columns values of a token
  public Activations(Arena arena, int capacity, int columns) {
    this.capacity = capacity;
    this.columns = columns;
    this.stride = Math.ceilDiv(columns, ALIGNMENT) * ALIGNMENT;
    long rows = Math.ceilDiv(capacity, TOKEN_GRANULE) * (long) TOKEN_GRANULE;
    this.codes = arena.allocate(rows * stride, ALIGNMENT);
    this.steps = arena.allocate(ValueLayout.JAVA_FLOAT, capacity);
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

  /// Bytes from one token's codes to the next one's.
  public int stride() {
    return stride;
  }

  /// Signed bytes, `[capacity, stride]` and room up to a multiple of 16 tokens.
  MemorySegment codes() {
    return codes;
  }

  /// What a code of one means, `[capacity]` floats: the inverse of the multiplier `a`.
  MemorySegment steps() {
    return steps;
  }

  /// The sum of each token's codes, `[capacity]` ints.
  MemorySegment sums() {
    return sums;
  }
}
