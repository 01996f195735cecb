package bitnet.kernel;

import java.lang.foreign.MemorySegment;
import java.util.List;

/// The arithmetic of inference. Providers agree bit for bit in [#multiply(TernaryMatrix,
/// QuantizedActivations, int, int, int, MemorySegment, int)], the int8 product, the int8 values of
/// [#quantize] and [#setRow], [#add], [#rotate] and [#toHalf]; elsewhere sums of floats are added
/// in different orders.
///
/// All segments are off the heap and hold float32 unless said; threads may call at once as long
/// as they write different places.
public interface TernaryKernels {

  /// Query heads, of one row or several, for which a position need only be read once.
  int HEADS_TOGETHER = 4;

  /// The provider and its instruction set, for example `native avx2`.
  String name();

  /// Rows that are packed together: ranges of rows begin at a multiple of it.
  int rowsPerTile();

  /// Bytes of one tile of packed rows.
  ///
  /// @param columns of the matrix
  long tileBytes(int columns);

  /// Packs the rows of one tile in this provider's layout.
  ///
  /// @param trits `[rowsPerTile, columns]`, values -1, 0 and 1
  /// @param columns of the matrix
  /// @param tile receives [#tileBytes] bytes
  void packTile(byte[] trits, int columns, MemorySegment tile);

  /// Stores a row of 8-bit weights; all providers store the same.
  ///
  /// @param values among others the row's
  /// @param offset where the row begins
  /// @throws IllegalArgumentException if a value is not finite
  void setRow(Int8Matrix matrix, int row, float[] values, int offset);

  /// `out[t, r] = (sum_k trit[r, k] * q[t, k]) * activationScale[t] * scale[r]`, where the sum is
  /// exact and the rest float arithmetic in this order, as in the graph: sums are often exact ties
  /// of the next quantization, which only equal numbers resolve alike.
  ///
  /// @param weights packed by this provider
  /// @param input as many columns as the weights
  /// @param tokens rows of the input that are used, from the first
  /// @param firstRow a multiple of [#rowsPerTile]
  /// @param endRow a multiple of it, or the number of rows
  /// @param out `[tokens, outStride]`; only the columns from firstRow to below endRow are written
  /// @param outStride floats from one token to the next
  void multiply(
      TernaryMatrix weights,
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride);

  /// How many columns a group of columns takes up in tiles of whole rows, with trits 0 behind its
  /// own. [#multiply(GroupTernaryMatrix, QuantizedActivations, int, int, int, MemorySegment, int)]
  /// multiplies these; 0 where it does not, and the matrix is one for each group of columns.
  ///
  /// @param groupColumns columns that share a scale
  default int groupTileColumns(int groupColumns) {
    return 0;
  }

  /// `out[t, r] = sum_g (sum_{k in g} trit[r, k] * q[t, k]) * activationScale[t, g] * scale[r, g]`,
  /// where the inner sums are exact and the rest is float arithmetic, added group after group.
  ///
  /// @param weights packed by this provider
  /// @param input with the groups of the weights
  /// @param tokens rows of the input that are used, from the first
  /// @param firstRow a multiple of [#rowsPerTile]
  /// @param endRow a multiple of it, or the number of rows
  /// @param out `[tokens, outStride]`; only the columns from firstRow to below endRow are written
  /// @param outStride floats from one token to the next
  default void multiply(
      GroupTernaryMatrix weights,
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride) {
    weights.multiplyGroups(input, tokens, firstRow, endRow, out, outStride);
  }

  /// The same with 8-bit weights:
  /// `out[t, r] = (sum_k w[r, k] * q[t, k]) * activationScale[t] * scale[r]`.
  void multiply(
      Int8Matrix weights,
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride);

  /// The same with 4-bit weights, which have a scale for every group g of 64 columns:
  /// `out[t, r] = activationScale[t] * sum_g (scale[r, g] * (sum_{k in g} w[r, k] * q[t, k]))`.
  void multiply(
      Int4Matrix weights,
      QuantizedActivations input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride);

  /// The same with fp32 weights and activations: `out[t, r] = sum_k w[r, k] * x[t, k]`.
  ///
  /// @param input `[tokens, columns]`
  void multiply(
      FloatMatrix weights,
      MemorySegment input,
      int tokens,
      int firstRow,
      int endRow,
      MemorySegment out,
      int outStride);

  /// Quantizes one token as `bitnet.quantization.ActivationQuantizer` does, rounding half to
  /// even: writes its int8 values, their sum and their scale `1 / a`.
  ///
  /// @param x `[columns]`
  /// @param token the row of the target
  /// @throws IllegalArgumentException if a value is not finite
  void quantize(MemorySegment x, QuantizedActivations target, int token);

  /// Quantizes one token with a scale of its own for each group of columns.
  ///
  /// @param x `[columns]`
  /// @param target with groups
  /// @param token the row of the target
  /// @throws IllegalArgumentException if a value is not finite
  default void quantizeGroups(MemorySegment x, QuantizedActivations target, int token) {
    long offset = 0;
    for (QuantizedActivations group : target.groups()) {
      long bytes = (long) group.columns() * Float.BYTES;
      quantize(x.asSlice(offset, bytes), group, token);
      offset += bytes;
    }
  }

  /// `out = x * (1 / sqrt(mean(x^2) + epsilon)) * gain`. The factor in brackets is computed in
  /// double precision and rounded once, as in the graph.
  ///
  /// @param x `[count]`
  /// @param gain `[count]`
  /// @param out `[count]`, may be x
  void normalize(MemorySegment x, MemorySegment gain, int count, float epsilon, MemorySegment out);

  /// `out = silu(gate) * up`, where `silu(g) = g / (1 + exp(-g))`; the exponential is accurate
  /// to a relative 1e-6.
  ///
  /// @param out `[count]`, may be one of the inputs
  void siluGate(MemorySegment gate, MemorySegment up, int count, MemorySegment out);

  /// `out = max(gate, 0)^2 * up`.
  ///
  /// @param out `[count]`, may be one of the inputs
  void squaredReluGate(MemorySegment gate, MemorySegment up, int count, MemorySegment out);

  /// `sum = sum + x`.
  ///
  /// @param x `[count]`
  /// @param sum `[count]`
  void add(MemorySegment x, int count, MemorySegment sum);

  /// Rotary position embedding, in place: `x * cos + rotateHalf(x) * sin`, as Hugging Face pairs
  /// dimension i with i + headDim / 2.
  ///
  /// @param heads `[count, headDim]`
  /// @param cosines of the token's position, `[headDim / 2]`
  /// @param sines of the token's position, `[headDim / 2]`
  void rotate(
      MemorySegment heads, int count, MemorySegment cosines, MemorySegment sines, int headDim);

  /// Rounds to IEEE half precision, ties to even.
  ///
  /// @param x `[count]`
  /// @param halves `[count]` of 16 bits
  void toHalf(MemorySegment x, int count, MemorySegment halves);

  /// Attention of some tokens: of each the query heads that share a key/value head, over its
  /// positions, `out[h] = sum_p softmax_p(scale * query[h] . key[p]) * value[p]`. A provider may
  /// read positions once that several rows have in common. Neither where the positions of a row are
  /// divided nor what is computed at the same time changes a number.
  ///
  /// @param rows one for each token
  /// @param scores memory to work in: as many floats as the most positions of a row, times the
  ///     heads or [#HEADS_TOGETHER], whatever is more
  void attend(List<AttentionQuery> rows, AttentionHeads heads, MemorySegment scores);
}
