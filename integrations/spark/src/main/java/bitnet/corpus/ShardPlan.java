package bitnet.corpus;

import bitnet.data.ShardManifest;
import bitnet.storage.ContentDigest;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The slices of parts that make up a shard.
///
/// @param number of the shard
/// @param shards how many there are
/// @param bytesPerToken 2 or 4
/// @param slices in order
public record ShardPlan(int number, int shards, int bytesPerToken, ArrayList<Slice> slices)
    implements Serializable {
  private static final int COPIED_BYTES = 1 << 18;

  /// Tokens of a part.
  ///
  /// @param part its number
  /// @param documents of the whole part
  /// @param from the first one
  /// @param to the one after the last
  /// @param last whether that is the end of the part
  public record Slice(int part, long documents, long from, long to, boolean last)
      implements Serializable {}

  /// Cuts the tokens of all parts into shards of the same size; the last one may be smaller.
  public static List<ShardPlan> of(List<ShardPart> parts, long shardTokens, int bytesPerToken) {
    long tokens = parts.stream().mapToLong(ShardPart::tokens).sum();
    int shards = Math.toIntExact(Math.ceilDiv(tokens, shardTokens));
    List<ShardPlan> plans = new ArrayList<>();
    for (int shard = 0; shard < shards; shard++) {
      plans.add(new ShardPlan(shard, shards, bytesPerToken, new ArrayList<>()));
    }
    long at = 0;
    for (ShardPart part : parts) {
      long done = 0;
      while (done < part.tokens()) {
        long room = shardTokens - at % shardTokens;
        long end = Math.min(part.tokens(), done + room);
        plans
            .get((int) (at / shardTokens))
            .slices()
            .add(new Slice(part.number(), part.documents(), done, end, end == part.tokens()));
        at += end - done;
        done = end;
      }
    }
    return plans;
  }

  private String name(String what) {
    return "%s-%05d-of-%05d.bin".formatted(what, number, shards);
  }

  /// Writes the shard.
  ///
  /// @param parts the directory of the parts
  /// @param target the directory of the shards
  public ShardManifest.Shard write(Path parts, Path target) throws IOException {
    Path tokensFile = target.resolve(name("tokens"));
    Path lengthsFile = target.resolve(name("lengths"));
    long tokens = 0;
    long documents = 0;
    try (OutputFile out = OutputFile.create(tokensFile);
        OutputFile lengths = OutputFile.create(lengthsFile)) {
      for (Slice slice : slices) {
        copyTokens(parts, slice, out);
        documents += copyLengths(parts, slice, lengths);
        tokens += slice.to() - slice.from();
      }
      out.commit();
      lengths.commit();
    }
    return new ShardManifest.Shard(
        name("tokens"),
        tokens,
        ContentDigest.sha256(tokensFile),
        name("lengths"),
        documents,
        ContentDigest.sha256(lengthsFile));
  }

  private void copyTokens(Path parts, Slice slice, OutputFile out) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(COPIED_BYTES);
    long end = slice.to() * bytesPerToken;
    try (FileChannel channel = FileChannel.open(ShardPart.tokensFile(parts, slice.part()))) {
      for (long at = slice.from() * bytesPerToken; at < end; ) {
        buffer.clear().limit((int) Math.min(COPIED_BYTES, end - at));
        int count = channel.read(buffer, at);
        if (count < 0) {
          throw new IOException(
              ShardPart.tokensFile(parts, slice.part()) + " is shorter than it was written");
        }
        out.write(buffer.flip());
        at += count;
      }
    }
  }

  /// The lengths of the documents that begin in the slice; one without tokens may begin at its end.
  private static long copyLengths(Path parts, Slice slice, OutputFile out) throws IOException {
    ByteBuffer length = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    long begun = 0;
    try (DataInputStream in =
        new DataInputStream(
            new BufferedInputStream(
                Files.newInputStream(ShardPart.lengthsFile(parts, slice.part())), COPIED_BYTES))) {
      long at = 0;
      for (long document = 0;
          document < slice.documents() && (at < slice.to() || slice.last());
          document++) {
        int tokens = Integer.reverseBytes(in.readInt());
        if (at >= slice.from()) {
          out.write(length.putInt(0, tokens).clear());
          begun++;
        }
        at += tokens;
      }
    }
    return begun;
  }
}
