package bitnet.data;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The tokens of a corpus in files that are mapped, not loaded: a directory as [ShardManifest]
/// describes it.
final class TokenShards implements Closeable {
  private final Path directory;
  private final ShardManifest manifest;
  private final Arena arena = Arena.ofShared();

  private TokenShards(Path directory, ShardManifest manifest) {
    this.directory = directory;
    this.manifest = manifest;
  }

  /// Whether a dataset is one of token shards.
  static boolean isAt(Path dataset) throws IOException {
    return Files.isDirectory(dataset) && ShardManifest.isIn(dataset);
  }

  /// Opens a directory, whose files must have the sizes that the manifest says.
  ///
  /// @throws IOException if a file is missing or has another size
  /// @throws IllegalArgumentException if another tokenizer has made the tokens
  static TokenShards open(Path directory, TokenEncoding encoding) throws IOException {
    ShardManifest manifest = ShardManifest.read(directory);
    requireSameTokenizer(directory, manifest, encoding);
    for (ShardManifest.Shard shard : manifest.shards()) {
      requireSize(directory.resolve(shard.file()), shard.tokens() * manifest.bytesPerToken());
      requireSize(directory.resolve(shard.lengths()), shard.documents() * Integer.BYTES);
    }
    return new TokenShards(directory, manifest);
  }

  private static void requireSameTokenizer(
      Path directory, ShardManifest manifest, TokenEncoding encoding) {
    String digest = encoding.digest().get();
    if (!digest.isEmpty() && !digest.equals(manifest.tokenizer())) {
      throw new IllegalArgumentException(
          "%s holds tokens of another tokenizer (%s) than the model's (%s); tokenize the corpus again with the model's"
              .formatted(directory, manifest.tokenizer(), digest));
    }
    if (manifest.vocabSize() > encoding.vocabSize()) {
      throw new IllegalArgumentException(
          "%s holds tokens of a vocabulary of %d, and the model's has %d; tokenize the corpus again with the model's tokenizer"
              .formatted(directory, manifest.vocabSize(), encoding.vocabSize()));
    }
  }

  private static void requireSize(Path file, long bytes) throws IOException {
    if (!Files.exists(file)) {
      throw new IOException(
          "%s is missing, but %s lists it; copy the directory again"
              .formatted(file, ShardManifest.NAME));
    }
    if (Files.size(file) != bytes) {
      throw new IOException(
          "%s has %d bytes, but %s says %d; copy the directory again"
              .formatted(file, Files.size(file), ShardManifest.NAME, bytes));
    }
  }

  /// All tokens. The stream lives until this is closed.
  ///
  /// @param packing with [Packing#RECORDS], the stream knows where documents begin
  TokenStream tokens(Packing packing) throws IOException {
    List<MemorySegment> segments = new ArrayList<>();
    for (ShardManifest.Shard shard : manifest.shards()) {
      try (FileChannel channel = FileChannel.open(directory.resolve(shard.file()))) {
        segments.add(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
      }
    }
    RecordStarts starts = new RecordStarts();
    if (packing == Packing.RECORDS) {
      long[] position = {0};
      forEachLength(length -> starts.end(position[0] += length));
    }
    return TokenStream.ofSegments(
        segments,
        manifest.shardTokens(),
        manifest.bytesPerToken() == Integer.BYTES,
        manifest.digest(),
        packing == Packing.RECORDS ? starts.toArray() : new long[0]);
  }

  /// What is in the shards.
  DataReport report() throws IOException {
    RecordLengths lengths = new RecordLengths();
    forEachLength(lengths::add);
    return new DataReport(
        manifest.documents(), manifest.tokens(), manifest.bytes(), 0, List.of(), lengths);
  }

  private interface LengthSink {
    void accept(long length);
  }

  private void forEachLength(LengthSink sink) throws IOException {
    long sum = 0;
    for (ShardManifest.Shard shard : manifest.shards()) {
      Path file = directory.resolve(shard.lengths());
      try (DataInputStream in =
          new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16))) {
        for (long i = 0; i < shard.documents(); i++) {
          long length = Integer.toUnsignedLong(Integer.reverseBytes(in.readInt()));
          sum += length;
          sink.accept(length);
        }
      }
    }
    if (sum != manifest.tokens()) {
      throw new IOException(
          "%s: the documents have %d tokens, but the shards %d; make them again with `bitnet spark tokenize`"
              .formatted(directory, sum, manifest.tokens()));
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
