package bitnet.runtime;

import bitnet.kernel.Activations;
import bitnet.model.LlamaConfig;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Memory that a pass works in, for up to so many rows (tokens); floats unless said.
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

  /// Normalised values, `[capacity, widest]`.
  private final MemorySegment normed;

  private final MemorySegment qkv; // [capacity, qkvStride]
  private final MemorySegment attended; // [capacity, heads * headDim]
  private final MemorySegment gateUp; // [capacity, 2 * intermediate]
  private final Activations hiddenCodes;
  private final Activations attendedCodes;
  private final Activations gatedCodes;

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
    this.hiddenCodes = codes(like.queryKeyValue().getFirst());
    this.attendedCodes = codes(like.output());
    this.gatedCodes = codes(like.down());
  }

  private MemorySegment floats(int width) {
    return arena.allocate((long) capacity * width * Float.BYTES, ALIGNMENT);
  }

  private Activations codes(RuntimeLinear consumer) {
    return new Activations(arena, capacity, consumer.matrix().columns());
  }

  int capacity() {
    return capacity;
  }

  MemorySegment stream() {
    return stream;
  }

  MemorySegment stream(int row) {
    return row(stream, row, config.hiddenSize());
  }

  MemorySegment delta() {
    return delta;
  }

  MemorySegment delta(int row) {
    return row(delta, row, config.hiddenSize());
  }

  /// `[width]`, packed as if all rows had that width.
  MemorySegment normed(int row, int width) {
    return row(normed, row, width);
  }

  MemorySegment normed() {
    return normed;
  }

  MemorySegment qkv() {
    return qkv;
  }

  /// `count` floats of a row, from `first`.
  MemorySegment qkv(int row, int first, int count) {
    return qkv.asSlice(((long) row * qkvStride + first) * Float.BYTES, (long) count * Float.BYTES);
  }

  MemorySegment attended(int row) {
    return row(attended, row, config.queryWidth());
  }

  /// `count` floats of a row, from `first`.
  MemorySegment attended(int row, int first, int count) {
    return attended(row).asSlice((long) first * Float.BYTES, (long) count * Float.BYTES);
  }

  MemorySegment gateUp() {
    return gateUp;
  }

  MemorySegment gate(int row) {
    return gateUp.asSlice(
        (long) row * gateUpStride * Float.BYTES, (long) config.intermediateSize() * Float.BYTES);
  }

  MemorySegment up(int row) {
    return gateUp.asSlice(
        ((long) row * gateUpStride + config.intermediateSize()) * Float.BYTES,
        (long) config.intermediateSize() * Float.BYTES);
  }

  int qkvStride() {
    return qkvStride;
  }

  int gateUpStride() {
    return gateUpStride;
  }

  /// The input of q, k, v, of gate and up, and of the head.
  Activations hiddenCodes() {
    return hiddenCodes;
  }

  /// The input of the output projection.
  Activations attendedCodes() {
    return attendedCodes;
  }

  /// The input of the down projection.
  Activations gatedCodes() {
    return gatedCodes;
  }

  private static MemorySegment row(MemorySegment matrix, int row, int width) {
    long bytes = (long) width * Float.BYTES;
    return matrix.asSlice(row * bytes, bytes);
  }

  @Override
  public void close() {
    arena.close();
  }
}
