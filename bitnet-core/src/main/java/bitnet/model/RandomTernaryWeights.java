package bitnet.model;

import bitnet.quantization.TernaryRows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/// Weights that need no file, for measurements: every row of a matrix holds one of a few random
/// rows.
///
/// @param config the dimensions
public record RandomTernaryWeights(LlamaConfig config) implements TernaryWeights {
  private static final float SCALE = 5f / 256; // half precision holds it, as group scales need
  private static final int SEED = 1;

  @Override
  public TernaryRows ternary(TensorSpec tensor) {
    int group = config.weights().scaleColumns();
    return random(tensor.rows(), tensor.columns(), group == 0 ? tensor.columns() : group);
  }

  /// Trits with one scale.
  public static TernaryRows random(int rows, int columns) {
    return random(rows, columns, columns);
  }

  private static TernaryRows random(int rows, int columns, int groupColumns) {
    byte[] trits = new byte[columns + rows];
    SplittableRandom random = new SplittableRandom(SEED);
    for (int i = 0; i < trits.length; i++) {
      trits[i] = (byte) (random.nextInt(3) - 1);
    }
    return new Shifted(rows, columns, groupColumns, trits);
  }

  @Override
  public void readRows(TensorSpec tensor, int firstRow, int rows, MemorySegment target) {
    long values = target.byteSize() / Float.BYTES;
    for (long i = 0; i < values; i++) {
      float value = tensor.isMatrix() ? SCALE * ((i + firstRow) * 7919 % 255 - 127) / 127 : 1;
      target.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, value);
    }
  }

  /// Row r is the trits from r on.
  private record Shifted(int rows, int columns, int groupColumns, byte[] trits)
      implements TernaryRows {
    @Override
    public boolean isGrouped() {
      return groupColumns < columns;
    }

    @Override
    public float scale(int row) {
      return SCALE;
    }

    @Override
    public void unpack(int firstRow, int rows, byte[] target) {
      for (int row = 0; row < rows; row++) {
        System.arraycopy(trits, firstRow + row, target, row * columns, columns);
      }
    }
  }
}
