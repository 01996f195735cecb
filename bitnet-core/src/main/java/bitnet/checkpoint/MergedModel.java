package bitnet.checkpoint;

import bitnet.format.DType;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernarizedWeights;
import bitnet.quantization.TernaryRows;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// A model with an adapter added to its latent weights, `W + scaling * B A`, which are ternarized
/// again. That is another model than the two side by side, where the product of B and A is not
/// rounded to trits.
final class MergedModel implements StoredModel {
  private final StoredModel base;
  private final AdapterDirectory adapter;
  private final TernarizedWeights ternarized = new TernarizedWeights(this);
  private final List<String> remarks;

  /// Merges; closing the result closes both.
  ///
  /// @throws IOException if one of them is damaged
  MergedModel(StoredModel base, AdapterDirectory adapter) throws IOException {
    this.base = base;
    this.adapter = adapter;
    this.remarks = new ArrayList<>(base.remarks());
    remarks.add(
        String.format(
            Locale.ROOT,
            "the adapter is added to the latent weights; ternarized again, %.2f%% of the trits of"
                + " its targets are others",
            100 * changedTrits()));
  }

  private double changedTrits() throws IOException {
    long changed = 0;
    long all = 0;
    for (TensorSpec tensor : config().tensors()) {
      if (!adapter.settings().adapts(tensor)) {
        continue;
      }
      TernaryRows before = base.ternary(tensor);
      TernaryRows after = ternary(tensor);
      byte[] one = new byte[tensor.columns()];
      byte[] other = new byte[tensor.columns()];
      for (int row = 0; row < tensor.rows(); row++) {
        before.unpack(row, 1, one);
        after.unpack(row, 1, other);
        for (int column = 0; column < one.length; column++) {
          changed += one[column] == other[column] ? 0 : 1;
        }
      }
      all += tensor.count();
    }
    return (double) changed / all;
  }

  private boolean isOfAdapter(TensorSpec tensor) {
    return adapter.settings().norms() && tensor.kind() == TensorSpec.Kind.NORM;
  }

  @Override
  public LlamaConfig config() {
    return base.config();
  }

  @Override
  public void read(TensorSpec tensor, MemorySegment target) throws IOException {
    if (isOfAdapter(tensor)) {
      adapter.read(tensor, target);
      return;
    }
    base.read(tensor, target);
    if (adapter.settings().adapts(tensor)) {
      add(tensor, target);
    }
  }

  private void add(TensorSpec tensor, MemorySegment target) throws IOException {
    float[] down = adapter.values(adapter.settings().down(tensor)); // [rank, in]
    float[] up = adapter.values(adapter.settings().up(tensor)); // [out, rank]
    int rank = adapter.settings().rank();
    double scaling = adapter.settings().scaling();
    double[] sums = new double[tensor.columns()];
    for (int row = 0; row < tensor.rows(); row++) {
      Arrays.fill(sums, 0);
      for (int r = 0; r < rank; r++) {
        double factor = scaling * up[row * rank + r];
        for (int column = 0; column < sums.length; column++) {
          sums[column] += factor * down[r * sums.length + column];
        }
      }
      for (int column = 0; column < sums.length; column++) {
        long index = (long) row * sums.length + column;
        float latent = target.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, index);
        target.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, index, (float) (latent + sums[column]));
      }
    }
  }

  @Override
  public TernaryRows ternary(TensorSpec tensor) throws IOException {
    return adapter.settings().adapts(tensor) ? ternarized.ternary(tensor) : base.ternary(tensor);
  }

  @Override
  public void readRows(TensorSpec tensor, int firstRow, int rows, MemorySegment target)
      throws IOException {
    if (isOfAdapter(tensor)) {
      adapter.read(tensor, target); // a vector is one row
      return;
    }
    base.readRows(tensor, firstRow, rows, target);
  }

  @Override
  public Storage storage(TensorSpec tensor) throws IOException {
    return base.storage(tensor);
  }

  @Override
  public DType exactType(TensorSpec tensor, boolean latent) throws IOException {
    return isOfAdapter(tensor) || (latent && adapter.settings().adapts(tensor))
        ? DType.F32
        : base.exactType(tensor, latent);
  }

  @Override
  public boolean isOurs() {
    return base.isOurs();
  }

  @Override
  public List<String> remarks() {
    return List.copyOf(remarks);
  }

  @Override
  public boolean isFullPrecision() {
    return base.isFullPrecision();
  }

  @Override
  public void close() throws IOException {
    try (base) {
      adapter.close();
    }
  }
}
