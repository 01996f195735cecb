package bitnet.runtime;

import bitnet.model.LlamaConfig;
import bitnet.model.RotaryTable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// A [RotaryTable] off the heap, where kernels can read it.
///
/// @param positions rows of the tables
/// @param rowBytes from one position to the next
/// @param cosines `[positions, headDim / 2]`
/// @param sines `[positions, headDim / 2]`
record NativeRotaryTable(int positions, long rowBytes, MemorySegment cosines, MemorySegment sines) {

  /// The table of a model's first positions.
  static NativeRotaryTable of(LlamaConfig config, int positions, Arena arena) {
    RotaryTable table = RotaryTable.of(config, positions);
    return new NativeRotaryTable(
        positions,
        (long) table.half() * Float.BYTES,
        arena.allocateFrom(ValueLayout.JAVA_FLOAT, table.cos()),
        arena.allocateFrom(ValueLayout.JAVA_FLOAT, table.sin()));
  }

  MemorySegment cosines(int position) {
    return cosines.asSlice(position * rowBytes, rowBytes);
  }

  MemorySegment sines(int position) {
    return sines.asSlice(position * rowBytes, rowBytes);
  }
}
