package bitnet.spark;

import bitnet.grpo.PolicyWeights;
import bitnet.model.AdapterWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import bitnet.quantization.TernaryPacking;
import bitnet.quantization.TernaryRows;
import bitnet.storage.ContentDigest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A policy as bytes for other machines: trits in base 3 (1.6 bits a weight), scales, and fp32 for
/// embedding, head, norms and the adapter; in blocks, which [BlockCodec] compresses. The numbers
/// are the policy's to the last bit.
final class PolicyImage {
  private static final int BLOCK_BYTES = 4 << 20;
  private static final int TRIT_ROWS = 64 * TernaryPacking.TRITS_PER_BYTE; // whole bytes

  private PolicyImage() {}

  /// What a block holds.
  private enum Content {
    /// Scales of a linear layer: columns of a group, 1 if there are groups, the scales.
    SCALES,
    /// Trits of a linear layer.
    TRITS,
    /// Rows of another parameter.
    ROWS,
    /// A parameter of the adapter.
    ADAPTER;

    int width() {
      return this == TRITS ? 1 : Float.BYTES;
    }
  }

  private record Block(TensorSpec tensor, Content content, int firstRow, int rows) {}

  /// The blocks in their order, which all machines derive from the dimensions.
  private static List<Block> blocks(LlamaConfig config, Optional<LoraSettings> lora) {
    List<Block> blocks = new ArrayList<>();
    for (TensorSpec tensor : config.tensors()) {
      if (tensor.kind() == TensorSpec.Kind.TERNARY) {
        blocks.add(new Block(tensor, Content.SCALES, 0, tensor.rows()));
        blocks.add(new Block(tensor, Content.TRITS, 0, tensor.rows()));
        continue;
      }
      int rows = tensor.isMatrix() ? tensor.rows() : 1;
      int some = Math.max(1, (int) (BLOCK_BYTES / (tensor.count() / rows * Float.BYTES)));
      for (int first = 0; first < rows; first += some) {
        blocks.add(new Block(tensor, Content.ROWS, first, Math.min(some, rows - first)));
      }
    }
    lora.ifPresent(
        settings ->
            settings
                .tensors(config)
                .forEach(
                    tensor -> blocks.add(new Block(tensor, Content.ADAPTER, 0, tensor.rows()))));
    return blocks;
  }

  private static List<Block> blocks(PolicyWeights policy) {
    return blocks(policy.weights().config(), policy.adapter().map(AdapterWeights::settings));
  }

  /// All of a policy.
  ///
  /// @throws IOException if a weight cannot be read
  static byte[][] whole(PolicyWeights policy) throws IOException {
    List<Block> blocks = blocks(policy);
    byte[][] whole = new byte[blocks.size()][];
    visit(policy, blocks, (i, bytes, width) -> whole[i] = BlockCodec.whole(bytes, width));
    return whole;
  }

  /// What has changed: a block each, null where it is the same.
  ///
  /// @param former as [#whole] made it, of a policy of the same dimensions
  /// @throws IOException if a weight cannot be read
  static byte[] @Nullable [] changes(PolicyWeights policy, byte[][] former) throws IOException {
    List<Block> blocks = blocks(policy);
    byte[] @Nullable [] changes = new byte[blocks.size()] @Nullable [];
    visit(
        policy,
        blocks,
        (i, bytes, width) -> changes[i] = BlockCodec.changed(bytes, former[i], width));
    return changes;
  }

  /// A short name of a policy: equal ones are equal to the last bit.
  ///
  /// @throws IOException if a weight cannot be read
  static String digest(PolicyWeights policy) throws IOException {
    ContentDigest digest = new ContentDigest();
    for (Block block : blocks(policy)) {
      digest.update(ByteBuffer.wrap(read(policy, block)));
    }
    return digest.hex();
  }

  /// The size of blocks.
  static long bytes(byte[] @Nullable [] blocks) {
    return Arrays.stream(blocks).mapToLong(block -> block == null ? 0 : block.length).sum();
  }

  private interface BlockVisitor {
    void visit(int index, byte[] bytes, int width) throws IOException;
  }

  /// Reads blocks and hands those of a parameter on together: compressing takes longer than
  /// reading.
  private static void visit(PolicyWeights policy, List<Block> blocks, BlockVisitor visitor)
      throws IOException {
    for (int first = 0; first < blocks.size(); ) {
      int end = first;
      List<byte[]> some = new ArrayList<>();
      while (end < blocks.size() && blocks.get(end).tensor().equals(blocks.get(first).tensor())) {
        some.add(read(policy, blocks.get(end++)));
      }
      int start = first;
      try {
        IntStream.range(0, some.size())
            .parallel()
            .forEach(
                i -> {
                  try {
                    int width = blocks.get(start + i).content().width();
                    visitor.visit(start + i, some.get(i), width);
                  } catch (IOException failure) {
                    throw new UncheckedIOException(failure);
                  }
                });
      } catch (UncheckedIOException failure) {
        throw failure.getCause();
      }
      first = end;
    }
  }

  private static byte[] read(PolicyWeights policy, Block block) throws IOException {
    TensorSpec tensor = block.tensor();
    return switch (block.content()) {
      case SCALES -> scales(policy.weights().ternary(tensor));
      case TRITS -> trits(policy.weights().ternary(tensor));
      case ROWS -> {
        int columns = tensor.isMatrix() ? tensor.columns() : tensor.rows();
        float[] values = new float[block.rows() * columns];
        MemorySegment target = MemorySegment.ofArray(values);
        policy.weights().readRows(tensor, block.firstRow(), block.rows(), target);
        yield target.toArray(ValueLayout.JAVA_BYTE);
      }
      case ADAPTER -> {
        float[] values = policy.adapter().orElseThrow().values(tensor);
        yield MemorySegment.ofArray(values).toArray(ValueLayout.JAVA_BYTE);
      }
    };
  }

  private static byte[] scales(TernaryRows rows) {
    int groups = rows.columns() / rows.groupColumns();
    int[] all = new int[2 + rows.rows() * groups];
    all[0] = rows.groupColumns();
    all[1] = rows.isGrouped() ? 1 : 0;
    for (int i = 2; i < all.length; i++) {
      all[i] = Float.floatToRawIntBits(rows.scale((i - 2) / groups, (i - 2) % groups));
    }
    return MemorySegment.ofArray(all).toArray(ValueLayout.JAVA_BYTE);
  }

  private static byte[] trits(TernaryRows rows) {
    int columns = rows.columns();
    byte[] packed =
        new byte[Math.toIntExact(TernaryPacking.packedBytes((long) rows.rows() * columns))];
    byte[] some = new byte[Math.min(TRIT_ROWS, rows.rows()) * columns];
    for (int row = 0; row < rows.rows(); row += TRIT_ROWS) {
      int count = Math.min(TRIT_ROWS, rows.rows() - row);
      rows.unpack(row, count, some);
      int offset = (int) ((long) row * columns / TernaryPacking.TRITS_PER_BYTE);
      TernaryPacking.pack(some, 0, count * columns, packed, offset);
    }
    return packed;
  }

  /// The policy of such blocks, which are expanded when they are read.
  ///
  /// @param former as [#whole] made it
  /// @param changes as [#changes] made it
  static PolicyWeights policy(
      LlamaConfig config,
      Optional<LoraSettings> lora,
      byte[][] former,
      byte[] @Nullable [] changes) {
    Reader reader = new Reader(config, blocks(config, lora), former, changes);
    return new PolicyWeights(reader, lora.map(settings -> new ImageAdapter(settings, reader)));
  }

  /// Reads blocks.
  private static final class Reader implements TernaryWeights {
    private final LlamaConfig config;
    private final List<Block> blocks;
    private final byte[][] former;
    private final byte[] @Nullable [] changes;
    private @Nullable TensorSpec held;
    private List<byte[]> rows = List.of(); // of the held parameter, a block each

    Reader(LlamaConfig config, List<Block> blocks, byte[][] former, byte[] @Nullable [] changes) {
      this.config = config;
      this.blocks = blocks;
      this.former = former;
      this.changes = changes;
    }

    @Override
    public LlamaConfig config() {
      return config;
    }

    private List<byte[]> bytes(TensorSpec tensor, Content content) throws IOException {
      List<byte[]> found = new ArrayList<>();
      for (int i = 0; i < blocks.size(); i++) {
        Block block = blocks.get(i);
        if (block.content() == content && block.tensor().equals(tensor)) {
          found.add(BlockCodec.decoded(former[i], changes[i]));
        }
      }
      if (found.isEmpty()) {
        throw new IOException("the policy has no parameter " + tensor.name());
      }
      return found;
    }

    @Override
    public TernaryRows ternary(TensorSpec tensor) throws IOException {
      MemorySegment scales = MemorySegment.ofArray(bytes(tensor, Content.SCALES).getFirst());
      return new ImageTrits(
          tensor,
          scales.toArray(ValueLayout.JAVA_INT_UNALIGNED),
          MemorySegment.ofArray(bytes(tensor, Content.TRITS).getFirst()));
    }

    @Override
    public synchronized void readRows(
        TensorSpec tensor, int firstRow, int count, MemorySegment target) throws IOException {
      if (!tensor.equals(held)) {
        rows = bytes(tensor, Content.ROWS);
        held = tensor;
      }
      long rowBytes = tensor.count() / (tensor.isMatrix() ? tensor.rows() : 1) * Float.BYTES;
      long skip = firstRow * rowBytes;
      long done = 0;
      for (byte[] block : rows) {
        long bytes = Math.min(block.length - skip, count * rowBytes - done);
        if (bytes > 0) {
          MemorySegment.copy(MemorySegment.ofArray(block), skip, target, done, bytes);
          done += bytes;
        }
        skip = Math.max(0, skip - block.length);
      }
    }
  }

  /// The adapter among the blocks.
  private record ImageAdapter(LoraSettings settings, Reader reader) implements AdapterWeights {
    @Override
    public String base() {
      return "";
    }

    @Override
    public void read(TensorSpec tensor, MemorySegment target) throws IOException {
      target.copyFrom(MemorySegment.ofArray(reader.bytes(tensor, Content.ADAPTER).getFirst()));
    }
  }

  /// Trits and scales of a layer.
  ///
  /// @param scales as [Content#SCALES] says
  private record ImageTrits(TensorSpec tensor, int[] scales, MemorySegment trits)
      implements TernaryRows {
    @Override
    public int rows() {
      return tensor.rows();
    }

    @Override
    public int columns() {
      return tensor.columns();
    }

    @Override
    public int groupColumns() {
      return scales[0];
    }

    @Override
    public boolean isGrouped() {
      return scales[1] == 1;
    }

    @Override
    public float scale(int row) {
      return scale(row, 0);
    }

    @Override
    public float scale(int row, int group) {
      return Float.intBitsToFloat(scales[2 + row * (columns() / groupColumns()) + group]);
    }

    @Override
    public void unpack(int firstRow, int count, byte[] target) {
      TernaryPacking.unpack(trits, (long) firstRow * columns(), target, count * columns());
    }
  }
}
