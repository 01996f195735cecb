package bitnet.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The content of a `tokenizer.json`, checked before any native code sees it: its bytes as they
/// were read and the vocabulary they hold.
final class TokenizerFile {
  /// More than any published tokenizer; what is larger is not read into memory.
  static final long MAX_BYTES = 256L << 20;

  /// Ids from here on are refused, so that a hostile file cannot ask for a huge embedding.
  static final int MAX_ID = 1 << 24;

  static final ObjectMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private static final Pattern FALLBACK_BYTE = Pattern.compile("<0x[0-9A-F]{2}>");

  private final byte[] bytes;
  private final String name;
  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<Integer, String> tokens = new HashMap<>();
  private final Set<Integer> specialIds = new HashSet<>();
  private final boolean byteLevel;
  private final boolean byteFallback;
  private int size;

  private TokenizerFile(byte[] bytes, String name) throws IOException {
    this.bytes = bytes;
    this.name = name;
    JsonNode root = parse(bytes, name);
    JsonNode model = root.path("model");
    readVocabulary(model.path("vocab"));
    readAddedTokens(root.path("added_tokens"));
    new TokenizerChecks(name, size).check(root);
    Set<String> decoders = decoderTypes(root.path("decoder"));
    byteLevel = decoders.contains("ByteLevel");
    byteFallback = decoders.contains("ByteFallback");
  }

  /// Checks the content of a tokenizer.json; the name is for messages.
  ///
  /// @throws IOException saying what is wrong with it
  static TokenizerFile of(byte[] bytes, String name) throws IOException {
    return new TokenizerFile(bytes, name);
  }

  /// Reads a whole file that must not be larger than a tokenizer can be.
  ///
  /// @throws IOException if it is absent, no file, or too large
  static byte[] read(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new IOException(
          file + ": no such file; name a tokenizer.json or a directory that holds one");
    }
    if (!Files.isRegularFile(file)) {
      throw new IOException(file + ": not a regular file; name a tokenizer.json");
    }
    long length = Files.size(file);
    if (length > MAX_BYTES) {
      throw new IOException(
          "%s: %d bytes are more than a tokenizer.json can have (%d); is it the right file?"
              .formatted(file, length, MAX_BYTES));
    }
    return Files.readAllBytes(file);
  }

  /// Parses a JSON object.
  static JsonNode parse(byte[] bytes, String name) throws IOException {
    JsonNode root;
    try {
      root = JSON.readTree(bytes);
    } catch (JsonProcessingException damaged) {
      throw new IOException(
          "%s: not valid JSON: %s, line %d, column %d; get the file again"
              .formatted(
                  name,
                  damaged.getOriginalMessage().lines().findFirst().orElse("damaged"),
                  damaged.getLocation() == null ? 0 : damaged.getLocation().getLineNr(),
                  damaged.getLocation() == null ? 0 : damaged.getLocation().getColumnNr()),
          damaged);
    }
    if (root == null || !root.isObject()) {
      throw new IOException(name + ": not a JSON object; get the file again");
    }
    return root;
  }

  private void readVocabulary(JsonNode vocabulary) throws IOException {
    if (vocabulary.isObject()) {
      for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
        put(entry.getKey(), entry.getValue());
      }
    } else if (vocabulary.isArray()) {
      // Unigram: [token, score] pairs, the id is the position
      for (JsonNode pair : vocabulary) {
        put(pair.path(0).asText(), JSON.getNodeFactory().numberNode(tokens.size()));
      }
    } else {
      throw damaged("no model.vocab");
    }
  }

  private void put(String token, JsonNode idNode) throws IOException {
    int id = idOf(token, idNode);
    String other = tokens.putIfAbsent(id, token);
    if (other != null) {
      throw damaged("tokens \"%s\" and \"%s\" have the same id %d".formatted(other, token, id));
    }
    ids.put(token, id);
    size = Math.max(size, id + 1);
  }

  private int idOf(String token, JsonNode node) throws IOException {
    if (!node.canConvertToInt() || !node.isInt() || node.intValue() < 0) {
      throw damaged("the id of token \"%s\" is %s, not a number from 0".formatted(token, node));
    }
    if (node.intValue() >= MAX_ID) {
      throw damaged("the id of token \"%s\" is %s, not below %d".formatted(token, node, MAX_ID));
    }
    return node.intValue();
  }

  /// The native library gives an added token that the model lacks the next free id, whatever the
  /// file says: a file that says otherwise would be encoded with other ids than its author's.
  private void readAddedTokens(JsonNode added) throws IOException {
    int next = tokens.size();
    for (JsonNode entry : added) {
      String token = entry.path("content").asText();
      int id = idOf(token, entry.path("id"));
      Integer known = ids.get(token);
      int given = known == null ? next : known;
      if (id != given) {
        throw damaged("added token \"%s\" says id %d but gets %d".formatted(token, id, given));
      }
      if (known == null) {
        put(token, entry.path("id"));
      }
      next = Math.max(next, id + 1);
      if (entry.path("special").asBoolean()) {
        specialIds.add(id);
      }
    }
  }

  private static Set<String> decoderTypes(JsonNode decoder) {
    Set<String> types = new HashSet<>();
    types.add(decoder.path("type").asText());
    for (JsonNode part : decoder.path("decoders")) {
      types.add(part.path("type").asText());
    }
    return types;
  }

  private IOException damaged(String reason) {
    return new IOException(
        "%s: not a usable tokenizer.json: %s; get the file again".formatted(name, reason));
  }

  /// The file as it was read.
  byte[] bytes() {
    return bytes.clone();
  }

  /// For messages: the path, or what it is.
  String name() {
    return name;
  }

  /// The highest id and one.
  int size() {
    return size;
  }

  OptionalInt id(String token) {
    Integer id = ids.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /// Whether decoding leaves the token out.
  boolean isSpecial(int id) {
    return specialIds.contains(id);
  }

  /// The bytes a token adds to the text, or nothing where it is text that only the decoder knows
  /// how to join.
  Optional<byte[]> rawBytes(int id) {
    @Nullable String token = tokens.get(id);
    if (token == null) {
      return Optional.of(new byte[0]);
    }
    if (byteLevel) {
      return Optional.of(
          ByteAlphabet.decode(token).orElseGet(() -> token.getBytes(StandardCharsets.UTF_8)));
    }
    if (byteFallback && FALLBACK_BYTE.matcher(token).matches()) {
      return Optional.of(new byte[] {(byte) Integer.parseInt(token.substring(3, 5), 16)});
    }
    return Optional.empty();
  }
}
