package bitnet.checkpoint;

import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.quantization.TernaryPacking;
import bitnet.quantization.TernaryQuantizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Streams the parameters of a model from fp32 latents into the files of a model directory, in
/// chunks of rows, so that its memory does not grow with the model. The arithmetic runs on the
/// common pool's threads; the result does not depend on their number.
final class ParameterEncoder implements AutoCloseable {
  /// Values of a chunk: 64 MiB of latents.
  static final long CHUNK_VALUES = 1 << 24;

  private static final int PART_VALUES = 1 << 16; // one thread's piece of a chunk

  private final Arena arena = Arena.ofShared();
  private final LlamaConfig config;
  private final SafetensorsWriter model;
  private final @Nullable SafetensorsWriter master;
  private final long chunkValues;

  private MemorySegment floats = MemorySegment.NULL;
  private MemorySegment packed = MemorySegment.NULL;

  /// Latents as fp32 in native byte order.
  interface LatentReader {
    /// Reads `target.byteSize() / 4` values of a tensor, beginning with its element `first`.
    void read(TensorSpec tensor, long first, MemorySegment target) throws IOException;
  }

  /// @param config the model's dimensions
  /// @param model receives the stored form, see [ModelLayout]
  /// @param master receives the latents under their own names, if they are wanted
  /// @param chunkValues values held at a time, [#CHUNK_VALUES] but in tests
  ParameterEncoder(
      LlamaConfig config,
      SafetensorsWriter model,
      @Nullable SafetensorsWriter master,
      long chunkValues) {
    this.config = config;
    this.model = model;
    this.master = master;
    this.chunkValues = chunkValues;
  }

  /// Writes everything that the layout has for one parameter.
  ///
  /// @throws IllegalArgumentException if a weight is not finite, naming the tensor
  void encode(TensorSpec tensor, LatentReader source) throws IOException {
    Chunks chunks = new Chunks(tensor, source);
    ModelLayout.writeShape(tensor, model);
    if (!ModelLayout.isTernary(config, tensor)) {
      for (int i = 0; i < chunks.count(); i++) {
        MemorySegment chunk = chunks.load(i);
        requireFinite(tensor, chunk);
        model.writeFloats(ModelLayout.storedName(tensor), chunk);
        writeMaster(tensor, chunk);
      }
      return;
    }
    if (config.hasGroupScales()) {
      encodeGroups(tensor, chunks);
      return;
    }
    double[] sums = new double[tensor.rows()];
    for (int i = 0; i < chunks.count(); i++) {
      MemorySegment chunk = chunks.load(i);
      int first = chunks.firstRow(i);
      chunks.inParts(
          i,
          (from, to) -> {
            for (int row = from; row < to; row++) {
              long start = (long) (row - first) * tensor.columns();
              sums[row] = TernaryQuantizer.absoluteSum(chunk, start, tensor.columns());
            }
          });
      writeMaster(tensor, chunk);
    }
    float[] scales = scales(config, tensor, sums);
    model.writeFloats(ModelLayout.scaleName(tensor), MemorySegment.ofArray(scales));
    for (int i = 0; i < chunks.count(); i++) {
      model.write(ModelLayout.storedName(tensor), pack(chunks, i, scales));
    }
  }

  private void encodeGroups(TensorSpec tensor, Chunks chunks) throws IOException {
    int width = config.weights().scaleColumns();
    int groups = tensor.columns() / width;
    float[] scales = new float[Math.multiplyExact(tensor.rows(), groups)];
    for (int i = 0; i < chunks.count(); i++) {
      MemorySegment chunk = chunks.load(i);
      int firstRow = chunks.firstRow(i);
      chunks.inParts(
          i,
          (from, to) -> {
            for (int group = from * groups; group < to * groups; group++) {
              long first = (long) (group - firstRow * groups) * width;
              scales[group] = groupScale(tensor, chunk, first, width);
            }
          });
      writeMaster(tensor, chunk);
    }
    model.writeFloats(ModelLayout.scaleName(tensor), MemorySegment.ofArray(scales));
    for (int i = 0; i < chunks.count(); i++) {
      model.write(ModelLayout.storedName(tensor), pack(chunks, i, scales));
    }
  }

  private static float groupScale(TensorSpec tensor, MemorySegment chunk, long first, int width) {
    try {
      return TernaryQuantizer.groupScale(chunk, first, width);
    } catch (IllegalArgumentException notFinite) {
      throw new IllegalArgumentException(
          "tensor '%s': %s".formatted(tensor.name(), notFinite.getMessage()), notFinite);
    }
  }

  private void writeMaster(TensorSpec tensor, MemorySegment chunk) throws IOException {
    if (master != null) {
      master.writeFloats(tensor.name(), chunk);
    }
  }

  private static void requireFinite(TensorSpec tensor, MemorySegment chunk) {
    long count = chunk.byteSize() / Float.BYTES;
    for (long i = 0; i < count; i++) {
      float value = chunk.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
      if (!Float.isFinite(value)) {
        throw new IllegalArgumentException(
            "tensor '%s' holds %s; it must be finite to be saved".formatted(tensor.name(), value));
      }
    }
  }

  private static float[] scales(LlamaConfig config, TensorSpec tensor, double[] sums) {
    try {
      if (ModelLayout.scaleCount(config, tensor) == 1) {
        double sum = 0;
        for (double rowSum : sums) {
          sum += rowSum;
        }
        return new float[] {TernaryQuantizer.scale(sum, tensor.count())};
      }
      float[] scales = new float[sums.length];
      for (int row = 0; row < sums.length; row++) {
        scales[row] = TernaryQuantizer.scale(sums[row], tensor.columns());
      }
      return scales;
    } catch (IllegalArgumentException notFinite) {
      throw new IllegalArgumentException(
          "tensor '%s': %s".formatted(tensor.name(), notFinite.getMessage()), notFinite);
    }
  }

  private MemorySegment pack(Chunks chunks, int index, float[] scales) throws IOException {
    MemorySegment chunk = chunks.load(index);
    int columns = chunks.tensor.columns();
    int first = chunks.firstRow(index);
    long bytes = TernaryPacking.packedBytes((long) chunks.rowCount(index) * columns);
    packed = grown(packed, bytes);
    MemorySegment result = packed.asSlice(0, bytes);
    chunks.inParts(
        index,
        (from, to) -> {
          int count = (to - from) * columns;
          byte[] trits = new byte[count];
          for (int row = from; row < to; row++) {
            int groups = Math.max(1, scales.length / chunks.tensor.rows()); // of a row
            int width = columns / groups;
            for (int group = 0; group < groups; group++) {
              float scale = scales[scales.length == 1 ? 0 : row * groups + group];
              long start = (long) (row - first) * columns + (long) group * width;
              int target = (row - from) * columns + group * width;
              TernaryQuantizer.quantize(chunk, start, scale, trits, target, width);
            }
          }
          byte[] bytesOfPart = new byte[(int) TernaryPacking.packedBytes(count)];
          TernaryPacking.pack(trits, 0, count, bytesOfPart, 0);
          long offset = (long) (from - first) * columns / TernaryPacking.TRITS_PER_BYTE;
          MemorySegment.copy(
              MemorySegment.ofArray(bytesOfPart), 0, result, offset, bytesOfPart.length);
        });
    return result;
  }

  private MemorySegment grown(MemorySegment segment, long bytes) {
    return segment.byteSize() >= bytes ? segment : arena.allocate(bytes, Long.BYTES);
  }

  @Override
  public void close() {
    arena.close();
  }

  /// Work on the rows `from` to `to` (exclusive).
  private interface Part {
    void run(int from, int to);
  }

  /// A tensor cut into chunks, and these into parts, of rows in fives: five rows of any length fill
  /// whole bytes of five trits. The latest chunk stays in memory, so that a tensor of one chunk is
  /// read once although it is needed twice.
  private final class Chunks {
    private final TensorSpec tensor;
    private final LatentReader source;
    private final int columns;
    private final int chunkRows;
    private int loaded = -1;

    Chunks(TensorSpec tensor, LatentReader source) {
      this.tensor = tensor;
      this.source = source;
      this.columns = Math.max(1, tensor.columns());
      this.chunkRows = inFives(chunkValues);
    }

    private int inFives(long values) {
      return (int) Math.max(1, values / columns / 5) * 5;
    }

    int count() {
      return Math.ceilDiv(tensor.rows(), chunkRows);
    }

    int firstRow(int chunk) {
      return chunk * chunkRows;
    }

    int rowCount(int chunk) {
      return Math.min(chunkRows, tensor.rows() - firstRow(chunk));
    }

    MemorySegment load(int chunk) throws IOException {
      long bytes = (long) rowCount(chunk) * columns * Float.BYTES;
      floats = grown(floats, bytes);
      MemorySegment target = floats.asSlice(0, bytes);
      if (loaded != chunk) {
        source.read(tensor, (long) firstRow(chunk) * columns, target);
        loaded = chunk;
      }
      return target;
    }

    void inParts(int chunk, Part part) {
      int partRows = inFives(PART_VALUES);
      int first = firstRow(chunk);
      int end = first + rowCount(chunk);
      IntStream.range(0, Math.ceilDiv(end - first, partRows))
          .parallel()
          .forEach(
              i -> {
                int from = first + i * partRows;
                part.run(from, Math.min(from + partRows, end));
              });
    }
  }
}
