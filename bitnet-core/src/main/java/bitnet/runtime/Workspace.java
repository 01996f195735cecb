package bitnet.runtime;

import bitnet.kernel.QuantizedActivations;
import bitnet.model.LlamaConfig;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Memory that a pass works in, for up to `capacity` tokens; float32 unless stated otherwise.
final class Workspace implements AutoCloseable {
  private static final int ALIGNMENT = 64;

  private final Arena arena = Arena.ofShared();
  private final int capacity;
  private final LlamaConfig config;
  private final int qkvStride;
  private final int gateUpStride;

  /// The residual stream, `[capacity, hidden]`.
  private final MemorySegment stream;

  /// What is added to it next, `[capacity, hidden]`.
  private final MemorySegment delta;

  /// What projections read: normalized or gated values, `[capacity, widest]`.
  private final MemorySegment normed;

  private final MemorySegment qkv; // [capacity, qkvStride]
  private final MemorySegment attended; // [capacity, heads * headDim]
  private final MemorySegment gateUp; // [capacity, 2 * intermediate]
  private final QuantizedActivations quantizedHidden;
  private final QuantizedActivations quantizedAttended;
  private final QuantizedActivations quantizedGated;

  /// What adapters compute between their factors, `[capacity, width]`, or nothing.
  private final MemorySegment inner;

  /// An adapter's output before it is added, `[capacity, widest of the outputs]`, or nothing.
  private final MemorySegment adapted;

  Workspace(LlamaConfig config, RuntimeLayer like, int capacity) {
    this.config = config;
    this.capacity = capacity;
    this.qkvStride = RuntimeLinear.width(like.queryKeyValue());
    this.gateUpStride = RuntimeLinear.width(like.gateUp());
    int widest =
        Math.max(config.hiddenSize(), Math.max(config.intermediateSize(), config.queryWidth()));
    this.stream = floats(config.hiddenSize());
    this.delta = floats(config.hiddenSize());
    this.normed = floats(widest);
    this.qkv = floats(qkvStride);
    this.attended = floats(config.queryWidth());
    this.gateUp = floats(gateUpStride);
    int innerWidth =
        like.linears().stream()
            .mapToInt(linear -> linear.adapter() == null ? 0 : linear.adapter().innerWidth())
            .max()
            .orElse(0);
    this.inner = floats(innerWidth);
    this.adapted =
        floats(
            innerWidth == 0 ? 0 : Math.max(config.hiddenSize(), Math.max(qkvStride, gateUpStride)));
    this.quantizedHidden = quantized(like.queryKeyValue().getFirst());
    this.quantizedAttended = quantized(like.output());
    this.quantizedGated = quantized(like.down());
  }

  private MemorySegment floats(int width) {
    return arena.allocate((long) capacity * width * Float.BYTES, ALIGNMENT);
  }

  private QuantizedActivations quantized(RuntimeLinear consumer) {
    int columns = consumer.matrix().inFeatures();
    int groupColumns = config.weights().scaleColumns();
    return groupColumns == 0
        ? new QuantizedActivations(arena, capacity, columns)
        : new QuantizedActivations(arena, capacity, columns, groupColumns);
  }

  int capacity() {
    return capacity;
  }

  MemorySegment stream() {
    return stream;
  }

  MemorySegment stream(int token) {
    return ofToken(stream, token, config.hiddenSize());
  }

  MemorySegment delta() {
    return delta;
  }

  MemorySegment delta(int token) {
    return ofToken(delta, token, config.hiddenSize());
  }

  /// `[width]`, contiguous, as if all tokens had that width.
  MemorySegment normed(int token, int width) {
    return ofToken(normed, token, width);
  }

  MemorySegment normed() {
    return normed;
  }

  MemorySegment qkv() {
    return qkv;
  }

  /// `count` floats of a token, from `first`.
  MemorySegment qkv(int token, int first, int count) {
    return qkv.asSlice(
        ((long) token * qkvStride + first) * Float.BYTES, (long) count * Float.BYTES);
  }

  MemorySegment attended() {
    return attended;
  }

  MemorySegment attended(int token) {
    return ofToken(attended, token, config.queryWidth());
  }

  /// `count` floats of a token, from `first`.
  MemorySegment attended(int token, int first, int count) {
    return attended(token).asSlice((long) first * Float.BYTES, (long) count * Float.BYTES);
  }

  MemorySegment gateUp() {
    return gateUp;
  }

  MemorySegment gate(int token) {
    return gateUp.asSlice(
        (long) token * gateUpStride * Float.BYTES, (long) config.intermediateSize() * Float.BYTES);
  }

  MemorySegment up(int token) {
    return gateUp.asSlice(
        ((long) token * gateUpStride + config.intermediateSize()) * Float.BYTES,
        (long) config.intermediateSize() * Float.BYTES);
  }

  MemorySegment inner() {
    return inner;
  }

  MemorySegment adapted() {
    return adapted;
  }

  int qkvStride() {
    return qkvStride;
  }

  int gateUpStride() {
    return gateUpStride;
  }

  /// The input of q, k, v, of gate and up, and of the head.
  QuantizedActivations quantizedHidden() {
    return quantizedHidden;
  }

  /// The input of the output projection.
  QuantizedActivations quantizedAttended() {
    return quantizedAttended;
  }

  /// The input of the down projection.
  QuantizedActivations quantizedGated() {
    return quantizedGated;
  }

  private static MemorySegment ofToken(MemorySegment all, int token, int width) {
    long bytes = (long) width * Float.BYTES;
    return all.asSlice(token * bytes, bytes);
  }

  @Override
  public void close() {
    arena.close();
  }
}
