package bitnet.runtime;

import bitnet.kernel.AttentionHeads;
import bitnet.kernel.AttentionQuery;
import bitnet.kernel.CacheType;
import bitnet.kernel.FloatMatrix;
import bitnet.kernel.GroupTernaryMatrix;
import bitnet.kernel.QuantizedActivations;
import bitnet.kernel.TernaryKernels;
import bitnet.kernel.TernaryMatrix;
import bitnet.kernel.ThreadTeam;
import bitnet.model.ActivationScale;
import bitnet.model.LlamaConfig;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Runs a batch of tokens through decoder layers. All values of one token are computed by one
/// thread and products are split by output features, so the result does not depend on the number of
/// threads.
final class DecoderPass {
  private final LlamaConfig config;
  private final TernaryKernels kernels;
  private final ThreadTeam team;
  private final NativeRotaryTable rotary;
  private final Workspace work;
  private final DecoderBatch batch;
  private final ActivationScale activations;
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
      DecoderBatch batch,
      ActivationScale activations) {
    this.config = config;
    this.kernels = kernels;
    this.team = team;
    this.rotary = rotary;
    this.work = work;
    this.batch = batch;
    this.activations = activations;
    this.epsilon = (float) config.rmsNormEpsilon();
    this.innerEpsilon = (float) config.linearNormEpsilon().orElse(0); // unused where there is none
    this.attentionScale = (float) (1 / Math.sqrt(config.headDim()));
    int most = 0;
    for (int position : batch.positions()) {
      most = Math.max(most, position + 1);
    }
    this.mostPositions = most;
  }

  /// Fills the residual stream with the tokens' embeddings.
  void embed(VocabularyMatrix embedding) {
    forTokens(token -> embedding.getRow(batch.tokens()[token], work.stream(token)));
  }

  /// One decoder layer, attention then feed-forward; the caches remember the keys and values.
  void layer(int index, RuntimeLayer layer) {
    for (RuntimeLinear linear : layer.queryKeyValue()) {
      forTokens(token -> normalize(token, layer.attentionNorm(), linear));
      multiply(linear, work.normed(), work.quantizedHidden(), work.qkv(), work.qkvStride());
    }
    forTokens(token -> rotateAndRemember(index, token, layer.attention()));
    attend(index);
    forTokens(token -> finishAttended(token, layer.attention().subNorm(), layer.output()));
    multiply(
        layer.output(),
        work.attended(),
        work.quantizedAttended(),
        work.delta(),
        config.hiddenSize());
    addOutputBias(layer.attention().outputBias());
    for (RuntimeLinear linear : layer.gateUp()) {
      forTokens(
          token -> {
            if (linear.column() == 0) { // the first of them, which saves one pass over the tokens
              addDelta(token);
            }
            normalize(token, layer.feedForwardNorm(), linear);
          });
      multiply(linear, work.normed(), work.quantizedHidden(), work.gateUp(), work.gateUpStride());
    }
    forTokens(token -> gate(token, layer.feedForwardSubNorm(), layer.down()));
    multiply(layer.down(), work.normed(), work.quantizedGated(), work.delta(), config.hiddenSize());
    forTokens(this::addDelta);
  }

  private interface TokenBody {
    void run(int token);
  }

  private void forTokens(TokenBody body) {
    team.forRanges(
        batch.count(),
        1,
        (first, end) -> {
          for (int token = first; token < end; token++) {
            body.run(token);
          }
        });
  }

  /// @param input `[tokens, in]` floats
  /// @param quantized the same, quantized, where the matrix is ternary
  private void multiply(
      RuntimeLinear linear,
      MemorySegment input,
      QuantizedActivations quantized,
      MemorySegment all,
      int stride) {
    MemorySegment out = all.asSlice((long) linear.column() * Float.BYTES);
    int count = batch.count();
    readAdapter(linear, input);
    switch (linear.matrix()) {
      case TernaryMatrix trits ->
          team.forRanges(
              trits.outFeatures(),
              kernels.rowsPerTile(),
              (first, end) -> {
                kernels.multiply(trits, quantized, count, first, end, out, stride);
                addAdapter(linear, first, end, out, stride);
              });
      case GroupTernaryMatrix trits ->
          team.forRanges(
              trits.outFeatures(),
              kernels.rowsPerTile(),
              (first, end) -> {
                kernels.multiply(trits, quantized, count, first, end, out, stride);
                addAdapter(linear, first, end, out, stride);
              });
      case FloatMatrix floats ->
          team.forRanges(
              floats.outFeatures(),
              VocabularyMatrix.GRANULE,
              (first, end) -> {
                kernels.multiply(floats, input, count, first, end, out, stride);
                addAdapter(linear, first, end, out, stride);
              });
    }
  }

  /// The first product of an adapter, unless [#finish] has computed it token by token.
  private void readAdapter(RuntimeLinear linear, MemorySegment input) {
    RuntimeAdapter adapter = linear.adapter();
    if (adapter != null && linear.norm() == null) {
      team.forRanges(
          adapter.innerWidth(),
          1,
          (first, end) ->
              adapter.down(
                  kernels, input, 0, batch.count(), first, end, work.inner(), work.capacity()));
    }
  }

  private void addAdapter(RuntimeLinear linear, int first, int end, MemorySegment out, int stride) {
    RuntimeAdapter adapter = linear.adapter();
    if (adapter != null) {
      adapter.add(
          kernels,
          work.inner(),
          work.capacity(),
          batch.count(),
          first,
          end,
          work.adapted().asSlice((long) linear.column() * Float.BYTES),
          out,
          stride);
    }
  }

  /// Normalizes a token's residual stream for projections.
  private void normalize(int token, MemorySegment gain, RuntimeLinear consumer) {
    int width = config.hiddenSize();
    MemorySegment normed = work.normed(token, width);
    kernels.normalize(work.stream(token), gain, width, epsilon, normed);
    finish(normed, consumer, width, work.quantizedHidden(), token);
  }

  /// What precedes a product: the norm inside the layer, where there is one, and the quantization,
  /// where the weights are ternary. An adapter reads the values before such a norm.
  private void finish(
      MemorySegment values,
      RuntimeLinear consumer,
      int width,
      QuantizedActivations quantized,
      int token) {
    if (consumer.norm() != null) {
      RuntimeAdapter adapter = consumer.adapter();
      if (adapter != null) {
        adapter.down(
            kernels, values, token, 1, 0, adapter.innerWidth(), work.inner(), work.capacity());
      }
      kernels.normalize(values, consumer.norm(), width, innerEpsilon, values);
    }
    if (!(consumer.matrix() instanceof FloatMatrix)) {
      quantize(values, quantized, token);
    }
  }

  private void quantize(MemorySegment values, QuantizedActivations quantized, int token) {
    quantized.quantize(kernels, values, token, activations == ActivationScale.INT8_GROUP);
  }

  private void addOutputBias(@Nullable MemorySegment bias) {
    if (bias != null) {
      forTokens(token -> kernels.add(bias, config.hiddenSize(), work.delta(token)));
    }
  }

  private void normalizeHeads(int token, int firstHead, int count, MemorySegment gain) {
    int width = config.headDim();
    for (int head = firstHead; head < firstHead + count; head++) {
      MemorySegment values = work.qkv(token, head * width, width);
      kernels.normalize(values, gain, width, epsilon, values);
    }
  }

  private void rotateAndRemember(int layer, int token, AttentionVectors vectors) {
    if (vectors.inputBias() != null) {
      int width = config.queryWidth() + 2 * config.keyValueWidth();
      kernels.add(vectors.inputBias(), width, work.qkv(token, 0, width));
    }
    if (vectors.headNorms() != null) {
      normalizeHeads(token, 0, config.headCount(), vectors.headNorms().query());
      int keys = config.keyValueHeadCount();
      normalizeHeads(token, config.headCount(), keys, vectors.headNorms().key());
    }
    int position = batch.positions()[token];
    int headDim = config.headDim();
    int heads = config.headCount() + config.keyValueHeadCount();
    kernels.rotate(
        work.qkv(token, 0, heads * headDim),
        heads,
        rotary.cosines(position),
        rotary.sines(position),
        headDim);
    batch.caches()[token].put(
        kernels,
        layer,
        position,
        work.qkv(token, config.queryWidth(), config.keyValueWidth()),
        work.qkv(token, config.queryWidth() + config.keyValueWidth(), config.keyValueWidth()));
  }

  /// Every token attends to its own sequence up to itself. A few neighbouring tokens are computed
  /// together, since those of one sequence, or of forks of one sequence, read the same keys.
  /// Threads interleave the tokens, since later ones attend to more positions, and go head by head,
  /// so that keys are still in the processor's cache.
  private void attend(int layer) {
    int keyValueHeads = config.keyValueHeadCount();
    int group = config.headCount() / keyValueHeads;
    int together = tokensTogether(group);
    int blocks = Math.ceilDiv(batch.count(), together);
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
                int token = item % blocks * together;
                int endToken = Math.min(batch.count(), token + together);
                attend(layer, token, endToken, item / blocks, scores);
              }
            }
          }
        });
  }

  /// Tokens whose query heads fill one call of the attention kernel.
  private static int tokensTogether(int group) {
    int most = TernaryKernels.HEADS_TOGETHER;
    return group % most == 0 ? 1 : group % 2 == 0 ? most / 2 : most;
  }

  private void attend(
      int layer, int firstToken, int endToken, int keyValueHead, MemorySegment scores) {
    int group = config.headCount() / config.keyValueHeadCount();
    int width = group * config.headDim();
    List<AttentionQuery> some = new ArrayList<>();
    for (int token = firstToken; token < endToken; token++) {
      KvCache cache = batch.caches()[token];
      int positions = batch.positions()[token] + 1;
      some.add(
          new AttentionQuery(
              work.qkv(token, keyValueHead * width, width),
              cache.shared(layer, keyValueHead, positions),
              cache.own(layer, keyValueHead, positions),
              work.attended(token, keyValueHead * width, width)));
    }
    CacheType type = batch.caches()[firstToken].type();
    kernels.attend(some, new AttentionHeads(group, config.headDim(), type, attentionScale), scores);
  }

  private void finishAttended(int token, @Nullable MemorySegment subNorm, RuntimeLinear consumer) {
    int width = config.queryWidth();
    MemorySegment attended = work.attended(token);
    if (subNorm != null) {
      kernels.normalize(attended, subNorm, width, epsilon, attended);
    }
    finish(attended, consumer, width, work.quantizedAttended(), token);
  }

  private void gate(int token, @Nullable MemorySegment subNorm, RuntimeLinear consumer) {
    int width = config.intermediateSize();
    MemorySegment gated = work.normed(token, width);
    switch (config.activation()) {
      case SILU -> kernels.siluGate(work.gate(token), work.up(token), width, gated);
      case RELU_SQUARED -> kernels.squaredReluGate(work.gate(token), work.up(token), width, gated);
    }
    if (subNorm != null) {
      kernels.normalize(gated, subNorm, width, epsilon, gated);
    }
    finish(gated, consumer, width, work.quantizedGated(), token);
  }

  private void addDelta(int token) {
    kernels.add(work.delta(token), config.hiddenSize(), work.stream(token));
  }

  /// Final hidden states of some tokens, after the last norm: what the head multiplies.
  ///
  /// @param selected indices in the batch
  /// @param out `[count, hidden]` floats
  void hidden(MemorySegment finalNorm, int[] selected, MemorySegment out) {
    int width = config.hiddenSize();
    long bytes = (long) width * Float.BYTES;
    team.forRanges(
        selected.length,
        1,
        (first, end) -> {
          for (int i = first; i < end; i++) {
            kernels.normalize(
                work.stream(selected[i]), finalNorm, width, epsilon, out.asSlice(i * bytes, bytes));
          }
        });
  }

  /// Logits of some tokens, `[count, vocab]`.
  ///
  /// @param selected indices in the batch, at most the capacity of the workspace
  void logits(MemorySegment finalNorm, VocabularyMatrix head, int[] selected, MemorySegment out) {
    int width = config.hiddenSize();
    team.forRanges(
        selected.length,
        1,
        (first, end) -> {
          for (int i = first; i < end; i++) {
            MemorySegment normed = work.normed(i, width);
            kernels.normalize(work.stream(selected[i]), finalNorm, width, epsilon, normed);
            if (head.type() == LmHeadType.PACKED) {
              quantize(normed, work.quantizedHidden(), i);
            } else {
              kernels.quantize(normed, work.quantizedHidden(), i);
            }
          }
        });
    team.forRanges(
        head.vocab(),
        head.granule(kernels),
        (first, end) ->
            head.multiply(
                kernels, work.normed(), work.quantizedHidden(), selected.length, first, end, out));
  }
}
