package bitnet.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/// The definition: plain loops that the other providers are compared with. Runs everywhere, slowly.
final class ScalarKernels implements TernaryKernels {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  private static final int CODES_PER_BYTE = 4;

  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public int rowsPerTile() {
    return 1;
  }

  /// Four columns per byte, the first in the lowest bits; a code is the trit plus one.
  @Override
  public long tileBytes(int columns) {
    return Math.ceilDiv(columns, CODES_PER_BYTE);
  }

  @Override
  public void packTile(byte[] trits, int columns, MemorySegment tile) {
    tile.fill((byte) 0);
    for (int k = 0; k < columns; k++) {
      int code = trits[k] + 1;
      int shift = 2 * (k % CODES_PER_BYTE);
      byte others = tile.get(BYTE, k / CODES_PER_BYTE);
      tile.set(BYTE, k / CODES_PER_BYTE, (byte) (others | (code << shift)));
    }
  }

  @Override
  public void setRow(Int8Matrix matrix, int row, float[] values, int offset) {
    matrix.setRow(row, values, offset);
  }

  @Override
  public void multiply(
      TernaryMatrix weights,
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    long rowBytes = tileBytes(weights.inFeatures());
    for (int row = firstRow; row < endRow; row++) {
      float scale = weights.scales().getAtIndex(FLOAT, row);
      for (int token = 0; token < tokens; token++) {
        long offset = (long) token * input.stride();
        int sum = 0;
        for (int k = 0; k < weights.inFeatures(); k++) {
          byte packed = weights.tiles().get(BYTE, row * rowBytes + k / CODES_PER_BYTE);
          int trit = ((packed >>> (2 * (k % CODES_PER_BYTE))) & 3) - 1;
          sum += trit * input.values().get(BYTE, offset + k);
        }
        float activationScale = input.scales().getAtIndex(FLOAT, token);
        out.setAtIndex(FLOAT, (long) token * outStride + row, sum * activationScale * scale);
      }
    }
  }

  @Override
  public void multiply(
      Int8Matrix weights,
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    for (int row = firstRow; row < endRow; row++) {
      float scale = weights.scales().getAtIndex(FLOAT, row);
      for (int token = 0; token < tokens; token++) {
        int sum = 0;
        for (int k = 0; k < weights.inFeatures(); k++) {
          sum +=
              weights.quantized().get(BYTE, (long) row * weights.stride() + k)
                  * input.values().get(BYTE, (long) token * input.stride() + k);
        }
        float activationScale = input.scales().getAtIndex(FLOAT, token);
        out.setAtIndex(FLOAT, (long) token * outStride + row, sum * activationScale * scale);
      }
    }
  }

  @Override
  public void multiply(
      Int4Matrix weights,
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    for (int row = firstRow; row < endRow; row++) {
      for (int token = 0; token < tokens; token++) {
        float total = 0;
        for (int group = 0; group < weights.groups(); group++) {
          float scale = weights.scales().getAtIndex(FLOAT, (long) row * weights.groups() + group);
          total += scale * groupSum(weights, row, group, input, token);
        }
        float activationScale = input.scales().getAtIndex(FLOAT, token);
        out.setAtIndex(FLOAT, (long) token * outStride + row, activationScale * total);
      }
    }
  }

  private static int groupSum(
      Int4Matrix weights, int row, int group, QuantizedActivations input, int token) {
    int sum = 0;
    int end = Math.min(weights.inFeatures(), (group + 1) * Int4Matrix.GROUP);
    for (int k = group * Int4Matrix.GROUP; k < end; k++) {
      sum +=
          weights.quantized(row, k) * input.values().get(BYTE, (long) token * input.stride() + k);
    }
    return sum;
  }

  @Override
  public void multiply(
      FloatMatrix weights,
      MemorySegment input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    int columns = weights.inFeatures();
    for (int row = firstRow; row < endRow; row++) {
      for (int token = 0; token < tokens; token++) {
        float sum = 0;
        for (int k = 0; k < columns; k++) {
          sum +=
              weights.values().getAtIndex(FLOAT, (long) row * columns + k)
                  * input.getAtIndex(FLOAT, (long) token * columns + k);
        }
        out.setAtIndex(FLOAT, (long) token * outStride + row, sum);
      }
    }
  }

  @Override
  public void quantize(MemorySegment x, QuantizedActivations target, int token) {
    float maximum = 1e-5f;
    for (int k = 0; k < target.columns(); k++) {
      maximum = Math.max(maximum, Math.abs(x.getAtIndex(FLOAT, k)));
    }
    if (!Float.isFinite(maximum)) {
      throw new IllegalArgumentException(
          "max|x| is %s; an activation is not finite, the model's weights are damaged"
              .formatted(maximum));
    }
    float multiplier = 127f / maximum;
    int sum = 0;
    for (int k = 0; k < target.columns(); k++) {
      int rounded = (int) Math.clamp(Math.rint(x.getAtIndex(FLOAT, k) * multiplier), -128, 127);
      target.values().set(BYTE, (long) token * target.stride() + k, (byte) rounded);
      sum += rounded;
    }
    target.scales().setAtIndex(FLOAT, token, 1 / multiplier);
    target.sums().setAtIndex(ValueLayout.JAVA_INT, token, sum);
  }

  @Override
  public void normalize(
      MemorySegment x, MemorySegment gain, int count, float epsilon, MemorySegment out) {
    double squares = 0;
    for (int i = 0; i < count; i++) {
      double value = x.getAtIndex(FLOAT, i);
      squares += value * value;
    }
    float inverse = (float) (1 / Math.sqrt(squares / count + epsilon));
    for (int i = 0; i < count; i++) {
      out.setAtIndex(FLOAT, i, x.getAtIndex(FLOAT, i) * inverse * gain.getAtIndex(FLOAT, i));
    }
  }

  @Override
  public void siluGate(MemorySegment gate, MemorySegment up, int count, MemorySegment out) {
    for (int i = 0; i < count; i++) {
      double value = gate.getAtIndex(FLOAT, i);
      float silu = (float) (value / (1 + Math.exp(-value)));
      out.setAtIndex(FLOAT, i, silu * up.getAtIndex(FLOAT, i));
    }
  }

  @Override
  public void squaredReluGate(MemorySegment gate, MemorySegment up, int count, MemorySegment out) {
    for (int i = 0; i < count; i++) {
      float value = Math.max(gate.getAtIndex(FLOAT, i), 0);
      out.setAtIndex(FLOAT, i, value * value * up.getAtIndex(FLOAT, i));
    }
  }

  @Override
  public void add(MemorySegment x, int count, MemorySegment sum) {
    for (int i = 0; i < count; i++) {
      sum.setAtIndex(FLOAT, i, sum.getAtIndex(FLOAT, i) + x.getAtIndex(FLOAT, i));
    }
  }

  @Override
  public void rotate(
      MemorySegment heads, int count, MemorySegment cosines, MemorySegment sines, int headDim) {
    int half = headDim / 2;
    for (int head = 0; head < count; head++) {
      int first = head * headDim;
      for (int i = 0; i < half; i++) {
        float cos = cosines.getAtIndex(FLOAT, i);
        float sin = sines.getAtIndex(FLOAT, i);
        float low = heads.getAtIndex(FLOAT, first + i);
        float high = heads.getAtIndex(FLOAT, first + half + i);
        heads.setAtIndex(FLOAT, first + i, low * cos - high * sin);
        heads.setAtIndex(FLOAT, first + half + i, high * cos + low * sin);
      }
    }
  }

  @Override
  public void toHalf(MemorySegment x, int count, MemorySegment halves) {
    for (int i = 0; i < count; i++) {
      halves.setAtIndex(HALF, i, Float.floatToFloat16(x.getAtIndex(FLOAT, i)));
    }
  }

  @Override
  public void attend(List<AttentionQuery> rows, AttentionHeads heads, MemorySegment scores) {
    for (AttentionQuery row : rows) {
      attend(row, heads);
    }
  }

  private static void attend(AttentionQuery row, AttentionHeads heads) {
    int headDim = heads.headDim();
    CacheType type = heads.type();
    MemorySegment queries = row.queries();
    CachedKeysValues shared = row.shared();
    CachedKeysValues own = row.own();
    MemorySegment out = row.out();
    int positions = row.positions();
    for (int head = 0; head < heads.count(); head++) {
      double highest = Double.NEGATIVE_INFINITY;
      double[] weights = new double[positions];
      for (int p = 0; p < positions; p++) {
        double dot = 0;
        for (int d = 0; d < headDim; d++) {
          boolean first = p < shared.positions();
          MemorySegment keys = first ? shared.keys() : own.keys();
          long index = first ? p : p - shared.positions();
          dot +=
              queries.getAtIndex(FLOAT, (long) head * headDim + d)
                  * read(keys, type, index * headDim + d);
        }
        weights[p] = dot * heads.scale();
        highest = Math.max(highest, weights[p]);
      }
      double mass = 0;
      for (int p = 0; p < positions; p++) {
        weights[p] = Math.exp(weights[p] - highest);
        mass += weights[p];
      }
      for (int d = 0; d < headDim; d++) {
        double sum = 0;
        for (int p = 0; p < positions; p++) {
          boolean first = p < shared.positions();
          MemorySegment values = first ? shared.values() : own.values();
          long index = first ? p : p - shared.positions();
          sum += weights[p] * read(values, type, index * headDim + d);
        }
        out.setAtIndex(FLOAT, (long) head * headDim + d, (float) (sum / mass));
      }
    }
  }

  private static double read(MemorySegment cache, CacheType type, long index) {
    return switch (type) {
      case FP16 -> Float.float16ToFloat(cache.getAtIndex(HALF, index));
      case FP32 -> cache.getAtIndex(FLOAT, index);
    };
  }
}
