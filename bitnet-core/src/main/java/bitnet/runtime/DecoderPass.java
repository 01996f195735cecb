package bitnet.runtime;

import bitnet.kernel.Activations;
import bitnet.kernel.AttentionHeads;
import bitnet.kernel.AttentionQuery;
import bitnet.kernel.CacheType;
import bitnet.kernel.TernaryKernels;
import bitnet.kernel.ThreadTeam;
import bitnet.model.LlamaConfig;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Runs rows through decoder layers. Whatever belongs to one row is computed by one thread, a
/// product is split by output features; the result does not depend on the number of threads.
final class DecoderPass {
  private final LlamaConfig config;
  private final TernaryKernels kernels;
  private final ThreadTeam team;
  private final NativeRotaryTable rotary;
  private final Workspace work;
  private final DecoderBatch rows;
  private final float epsilon;
  private final float innerEpsilon;
  private final float attentionScale;
  private final int mostPositions;

  DecoderPass(
      LlamaConfig config,
      TernaryKernels kernels,
      ThreadTeam team,
      NativeRotaryTable rotary,
      Workspace work,
      DecoderBatch rows) {
    this.config = config;
    this.kernels = kernels;
    this.team = team;
    this.rotary = rotary;
    this.work = work;
    this.rows = rows;
    this.epsilon = (float) config.rmsNormEpsilon();
    this.innerEpsilon = (float) config.linearNormEpsilon().orElse(0); // unused where there is none
    this.attentionScale = (float) (1 / Math.sqrt(config.headDim()));
    int most = 0;
    for (int position : rows.positions()) {
      most = Math.max(most, position + 1);
    }
    this.mostPositions = most;
  }

  /// Fills the residual stream with the tokens' embeddings.
  void embed(VocabularyMatrix embedding) {
    forRows(row -> embedding.getRow(rows.tokens()[row], work.stream(row)));
  }

  /// One decoder layer, attention then feed-forward; the caches remember the keys and values.
  void layer(int index, RuntimeLayer layer) {
    for (RuntimeLinear linear : layer.queryKeyValue()) {
      forRows(row -> normalize(row, layer.attentionNorm(), linear.norm()));
      multiply(linear, work.hiddenCodes(), work.qkv(), work.qkvStride());
    }
    forRows(row -> rotateAndRemember(index, row));
    attend(index);
    forRows(row -> quantizeAttended(row, layer.attentionSubNorm(), layer.output().norm()));
    multiply(layer.output(), work.attendedCodes(), work.delta(), config.hiddenSize());
    for (RuntimeLinear linear : layer.gateUp()) {
      forRows(
          row -> {
            if (linear.column() == 0) { // the first of them; a walk over the rows less
              addDelta(row);
            }
            normalize(row, layer.feedForwardNorm(), linear.norm());
          });
      multiply(linear, work.hiddenCodes(), work.gateUp(), work.gateUpStride());
    }
    forRows(row -> gate(row, layer.feedForwardSubNorm(), layer.down().norm()));
    multiply(layer.down(), work.gatedCodes(), work.delta(), config.hiddenSize());
    forRows(this::addDelta);
  }

  private interface RowBody {
    void run(int row);
  }

  private void forRows(RowBody body) {
    team.forRanges(
        rows.count(),
        1,
        (first, end) -> {
          for (int row = first; row < end; row++) {
            body.run(row);
          }
        });
  }

  private void multiply(RuntimeLinear linear, Activations input, MemorySegment all, int stride) {
    MemorySegment out = all.asSlice((long) linear.column() * Float.BYTES);
    team.forRanges(
        linear.matrix().rows(),
        kernels.rowsPerTile(),
        (first, end) ->
            kernels.multiply(linear.matrix(), input, rows.count(), first, end, out, stride));
  }

  /// Normalises a row of the stream and quantises it for projections.
  ///
  /// @param inner the gain of the norm inside the projection, where there is one
  private void normalize(int row, MemorySegment gain, @Nullable MemorySegment inner) {
    int width = config.hiddenSize();
    MemorySegment normed = work.normed(row, width);
    kernels.normalize(work.stream(row), gain, width, epsilon, normed);
    quantize(normed, inner, width, work.hiddenCodes(), row);
  }

  /// Quantises values, which the norm inside a projection may replace before.
  private void quantize(
      MemorySegment values, @Nullable MemorySegment inner, int width, Activations codes, int row) {
    if (inner != null) {
      kernels.normalize(values, inner, width, innerEpsilon, values);
    }
    kernels.quantize(values, codes, row);
  }

  private void rotateAndRemember(int layer, int row) {
    int position = rows.positions()[row];
    int headDim = config.headDim();
    int heads = config.headCount() + config.keyValueHeadCount();
    kernels.rotate(
        work.qkv(row, 0, heads * headDim),
        heads,
        rotary.cosines(position),
        rotary.sines(position),
        headDim);
    rows.caches()[row].put(
        kernels,
        layer,
        position,
        work.qkv(row, config.queryWidth(), config.keyValueWidth()),
        work.qkv(row, config.queryWidth() + config.keyValueWidth(), config.keyValueWidth()));
  }

  /// Every row sees its own sequence up to itself. A few neighbouring rows go together, since those
  /// of one sequence, or of forks of one, read the same keys. The threads take turns, since later
  /// rows see more, and head by head, so that keys are still in a processor's cache.
  private void attend(int layer) {
    int keyValueHeads = config.keyValueHeadCount();
    int group = config.headCount() / keyValueHeads;
    int together = rowsTogether(group);
    int blocks = Math.ceilDiv(rows.count(), together);
    int items = blocks * keyValueHeads;
    int parts = Math.min(items, team.threads());
    long scoreCount = (long) mostPositions * Math.max(group, TernaryKernels.HEADS_TOGETHER);
    team.forRanges(
        parts,
        1,
        (first, end) -> {
          try (Arena arena = Arena.ofConfined()) {
            MemorySegment scores = arena.allocate(scoreCount * Float.BYTES, Float.BYTES);
            for (int part = first; part < end; part++) {
              for (int item = part; item < items; item += parts) {
                int row = item % blocks * together;
                int endRow = Math.min(rows.count(), row + together);
                attend(layer, row, endRow, item / blocks, scores);
              }
            }
          }
        });
  }

  /// Rows whose query heads fill what the kernels compute in one go.
  private static int rowsTogether(int group) {
    int most = TernaryKernels.HEADS_TOGETHER;
    return group % most == 0 ? 1 : group % 2 == 0 ? most / 2 : most;
  }

  private void attend(int layer, int firstRow, int endRow, int keyValueHead, MemorySegment scores) {
    int group = config.headCount() / config.keyValueHeadCount();
    int width = group * config.headDim();
    List<AttentionQuery> some = new ArrayList<>();
    for (int row = firstRow; row < endRow; row++) {
      KvCache cache = rows.caches()[row];
      int positions = rows.positions()[row] + 1;
      some.add(
          new AttentionQuery(
              work.qkv(row, keyValueHead * width, width),
              cache.shared(layer, keyValueHead, positions),
              cache.own(layer, keyValueHead, positions),
              work.attended(row, keyValueHead * width, width)));
    }
    CacheType type = rows.caches()[firstRow].type();
    kernels.attend(some, new AttentionHeads(group, config.headDim(), type, attentionScale), scores);
  }

  private void quantizeAttended(
      int row, @Nullable MemorySegment subNorm, @Nullable MemorySegment inner) {
    int width = config.queryWidth();
    MemorySegment attended = work.attended(row);
    if (subNorm != null) {
      kernels.normalize(attended, subNorm, width, epsilon, attended);
    }
    quantize(attended, inner, width, work.attendedCodes(), row);
  }

  private void gate(int row, @Nullable MemorySegment subNorm, @Nullable MemorySegment inner) {
    int width = config.intermediateSize();
    MemorySegment gated = work.gate(row);
    switch (config.activation()) {
      case SILU -> kernels.siluGate(gated, work.up(row), width, gated);
      case RELU_SQUARED -> kernels.squaredReluGate(gated, work.up(row), width, gated);
    }
    if (subNorm != null) {
      kernels.normalize(gated, subNorm, width, epsilon, gated);
    }
    quantize(gated, inner, width, work.gatedCodes(), row);
  }

  private void addDelta(int row) {
    kernels.add(work.delta(row), config.hiddenSize(), work.stream(row));
  }

  /// Logits of some rows, `[count, vocab]`.
  ///
  /// @param selected the rows, at most the capacity of the workspace
  void logits(MemorySegment finalNorm, VocabularyMatrix head, int[] selected, MemorySegment out) {
    int width = config.hiddenSize();
    team.forRanges(
        selected.length,
        1,
        (first, end) -> {
          for (int i = first; i < end; i++) {
            MemorySegment normed = work.normed(i, width);
            kernels.normalize(work.stream(selected[i]), finalNorm, width, epsilon, normed);
            kernels.quantize(normed, work.hiddenCodes(), i);
          }
        });
    team.forRanges(
        head.rows(),
        VocabularyMatrix.GRANULE,
        (first, end) ->
            head.multiply(
                kernels, work.normed(), work.hiddenCodes(), selected.length, first, end, out));
  }
}
