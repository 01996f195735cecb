package bitnet.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

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
  private final List<QuantizedActivations> groups;
  private final MemorySegment groupScales;
  private final MemorySegment groupSums;

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
    this.groups = List.of();
    this.groupScales = MemorySegment.NULL;
    this.groupSums = MemorySegment.NULL;
  }

  /// Memory for activations that are multiplied with a [GroupTernaryMatrix].
  ///
  /// @param arena owns the memory
  /// @param capacity the most tokens
  /// @param columns values of a token
  /// @param groupColumns columns that share a scale of the weights, a multiple of [#ALIGNMENT]
  public QuantizedActivations(Arena arena, int capacity, int columns, int groupColumns) {
    QuantizedActivations whole = new QuantizedActivations(arena, capacity + 1, columns);
    this.capacity = capacity;
    this.columns = columns;
    this.stride = whole.stride;
    this.values = whole.values;
    this.scales = whole.scales;
    this.sums = whole.sums;
    int count = columns / groupColumns;
    this.groupScales = arena.allocate(ValueLayout.JAVA_FLOAT, (long) count * whole.capacity);
    this.groupSums = arena.allocate(ValueLayout.JAVA_INT, (long) count * whole.capacity);
    List<QuantizedActivations> views = new ArrayList<>();
    for (int group = 0; group < count; group++) {
      views.add(group(whole, group, groupColumns));
    }
    this.groups = List.copyOf(views);
  }

  private QuantizedActivations group(QuantizedActivations whole, int group, int groupColumns) {
    long bytes = (long) whole.capacity * Float.BYTES;
    return new QuantizedActivations(
        whole,
        groupColumns,
        whole.values.asSlice((long) group * groupColumns),
        groupScales.asSlice(group * bytes, bytes),
        groupSums.asSlice(group * bytes, bytes));
  }

  /// Some columns of others, with scales and sums of their own.
  private QuantizedActivations(
      QuantizedActivations whole,
      int columns,
      MemorySegment values,
      MemorySegment scales,
      MemorySegment sums) {
    this.capacity = whole.capacity;
    this.columns = columns;
    this.stride = whole.stride;
    this.values = values;
    this.scales = scales;
    this.sums = sums;
    this.groups = List.of();
    this.groupScales = MemorySegment.NULL;
    this.groupSums = MemorySegment.NULL;
  }

  /// The scales of the groups, `[group, groupCapacity]` floats.
  MemorySegment groupScales() {
    return groupScales;
  }

  /// The sums of the groups' int8 values, `[group, groupCapacity]` ints.
  MemorySegment groupSums() {
    return groupSums;
  }

  /// Tokens from one group's scales to the next one's.
  int groupCapacity() {
    return groups.getFirst().capacity;
  }

  /// The activations of each group of columns; empty without groups.
  List<QuantizedActivations> groups() {
    return groups;
  }

  /// Whether there are groups of columns.
  public boolean isGrouped() {
    return !groups.isEmpty();
  }

  /// Quantizes a token, with one scale or with one for each group of columns.
  ///
  /// @param x `[columns]`
  /// @param ownScales whether each group has a scale of its own, where there are groups
  /// @throws IllegalArgumentException if a value is not finite
  public void quantize(TernaryKernels kernels, MemorySegment x, int token, boolean ownScales) {
    if (isGrouped() && ownScales) {
      kernels.quantizeGroups(x, this, token);
      return;
    }
    kernels.quantize(x, this, token);
    shareScale(token);
  }

  /// Gives each group the scale of a token that was quantized as a whole, and its sum.
  private void shareScale(int token) {
    float scale = scales.getAtIndex(ValueLayout.JAVA_FLOAT, token);
    for (QuantizedActivations group : groups) {
      long first = (long) token * stride;
      int sum = 0;
      for (int k = 0; k < group.columns; k++) {
        sum += group.values.get(ValueLayout.JAVA_BYTE, first + k);
      }
      group.scales.setAtIndex(ValueLayout.JAVA_FLOAT, token, scale);
      group.sums.setAtIndex(ValueLayout.JAVA_INT, token, sum);
    }
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
