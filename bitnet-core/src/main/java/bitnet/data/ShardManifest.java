package bitnet.data;

import bitnet.storage.AtomicFile;
import bitnet.storage.ContentDigest;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/// `manifest.json` of a directory of token shards: what is in it, and where it comes from. It is
/// the last file to be written, and depends on nothing but the corpus and the options.
///
/// @param tokenizer [bitnet.tokenizer.Tokenizer#digest] of what made the tokens
/// @param vocabSize every token is below it
/// @param endOfText the token after each document, where the vocabulary has one
/// @param bytesPerToken 2, or 4 where the vocabulary needs them
/// @param shardTokens the tokens of each shard but the last
/// @param documents of all shards
/// @param bytes of their texts in UTF-8
/// @param origin how the documents were chosen and ordered
/// @param shards in order
public record ShardManifest(
    String tokenizer,
    int vocabSize,
    OptionalInt endOfText,
    int bytesPerToken,
    long shardTokens,
    long documents,
    long bytes,
    Origin origin,
    List<Shard> shards) {
  /// Its name in the directory.
  public static final String NAME = "manifest.json";

  private static final String KIND = "bitnet-token-shards";
  private static final int VERSION = 1;
  private static final long LARGEST_BYTES = 256 << 20;
  private static final long MOST = 1L << 48; // times 4 bytes, it still fits a long
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}");
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE);

  /// How the documents of a corpus were chosen and ordered.
  ///
  /// @param order `shuffled` or `corpus`
  /// @param seed of the shuffled order
  /// @param dedup `exact` or `none`
  /// @param nearThreshold similarity from which documents are near duplicates; 0: not looked for
  /// @param exactDuplicates documents left out
  /// @param nearDuplicates documents left out
  /// @param badRecords records left out
  public record Origin(
      String order,
      long seed,
      String dedup,
      double nearThreshold,
      long exactDuplicates,
      long nearDuplicates,
      long badRecords) {}

  /// A shard: a file of tokens and one of the lengths of documents.
  ///
  /// @param file name of the tokens' file
  /// @param tokens in it
  /// @param sha256 of it
  /// @param lengths name of the file with the length in tokens of each document that begins in this
  ///     shard, 4 bytes each
  /// @param documents that begin in it
  /// @param lengthsSha256 of that file
  public record Shard(
      String file, long tokens, String sha256, String lengths, long documents, String lengthsSha256)
      implements Serializable {}

  /// Copies the list.
  public ShardManifest {
    shards = List.copyOf(shards);
  }

  /// The tokens of all shards.
  public long tokens() {
    return shards.stream().mapToLong(Shard::tokens).sum();
  }

  /// A short name of all tokens and lengths.
  String digest() throws IOException {
    return ContentDigest.of(json());
  }

  private byte[] json() throws IOException {
    ObjectNode root = JSON.createObjectNode().put("kind", KIND).put("format_version", VERSION);
    ObjectNode maker = root.putObject("tokenizer").put("digest", tokenizer);
    maker.put("vocab_size", vocabSize);
    if (endOfText.isPresent()) {
      maker.put("end_of_text", endOfText.getAsInt());
    }
    root.put("documents", documents).put("tokens", tokens()).put("bytes", bytes);
    root.put("bytes_per_token", bytesPerToken).put("shard_tokens", shardTokens);
    root.set("origin", JSON.valueToTree(origin));
    root.set("shards", JSON.valueToTree(shards));
    return JSON.writeValueAsBytes(root);
  }

  /// Writes it into a directory.
  public void write(Path directory) throws IOException {
    AtomicFile.write(directory.resolve(NAME), json());
  }

  /// Whether a directory has the manifest of token shards; that of a model is another one.
  static boolean isIn(Path directory) throws IOException {
    Path file = directory.resolve(NAME);
    if (!Files.isRegularFile(file)) {
      return false;
    }
    byte[] start = new byte[200];
    int count;
    try (InputStream in = Files.newInputStream(file)) {
      count = in.readNBytes(start, 0, start.length);
    }
    return new String(start, 0, count, StandardCharsets.US_ASCII).contains("\"" + KIND + "\"");
  }

  /// Reads the manifest of a directory.
  ///
  /// @throws IOException if it is damaged or of another version
  static ShardManifest read(Path directory) throws IOException {
    Path file = directory.resolve(NAME);
    if (Files.size(file) > LARGEST_BYTES) {
      throw damaged(file, "it is too long");
    }
    try {
      JsonNode root = JSON.readTree(Files.readAllBytes(file));
      JsonNode version = root.path("format_version");
      if (version.intValue() != VERSION) {
        throw damaged(file, "its format_version is not %d".formatted(VERSION));
      }
      JsonNode maker = root.path("tokenizer");
      JsonNode end = maker.path("end_of_text");
      List<Shard> shards = new ArrayList<>();
      for (JsonNode shard : root.path("shards")) {
        shards.add(JSON.treeToValue(shard, Shard.class));
      }
      ShardManifest manifest =
          new ShardManifest(
              maker.path("digest").asText(),
              maker.path("vocab_size").intValue(),
              end.isInt() ? OptionalInt.of(end.intValue()) : OptionalInt.empty(),
              root.path("bytes_per_token").intValue(),
              root.path("shard_tokens").longValue(),
              root.path("documents").longValue(),
              root.path("bytes").longValue(),
              JSON.treeToValue(root.path("origin"), Origin.class),
              shards);
      manifest.check(file);
      return manifest;
    } catch (JsonProcessingException notJson) {
      throw damaged(file, notJson.getOriginalMessage().lines().findFirst().orElse(""));
    }
  }

  private void check(Path file) throws IOException {
    if (bytesPerToken != Character.BYTES && bytesPerToken != Integer.BYTES) {
      throw damaged(file, "its bytes_per_token is neither 2 nor 4");
    }
    if (shards.isEmpty() || shardTokens < 1 || shardTokens > MOST || vocabSize < 1) {
      throw damaged(file, "it has no shards");
    }
    for (int i = 0; i < shards.size(); i++) {
      Shard shard = shards.get(i);
      boolean last = i == shards.size() - 1;
      if (!PLAIN.matcher(String.valueOf(shard.file())).matches()
          || !PLAIN.matcher(String.valueOf(shard.lengths())).matches()
          || shard.documents() < 0
          || shard.documents() > MOST
          || shard.tokens() < 1
          || (last ? shard.tokens() > shardTokens : shard.tokens() != shardTokens)) {
        throw damaged(file, "shard %d is not one".formatted(i));
      }
    }
  }

  private static IOException damaged(Path file, String reason) {
    return new IOException(
        "%s: not a usable manifest of token shards: %s; make them again with `bitnet spark tokenize`"
            .formatted(file, reason));
  }
}
