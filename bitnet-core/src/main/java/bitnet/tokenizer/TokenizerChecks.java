package bitnet.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.List;

/// Refuses what the native library takes at load and later answers with an abort of the whole
/// process (tokenizers 0.21: a Rust panic cannot pass through JNI).
final class TokenizerChecks {
  private static final List<String> MODELS = List.of("BPE", "Unigram", "WordLevel", "WordPiece");

  private final String name;
  private final int vocabSize;

  TokenizerChecks(String name, int vocabSize) {
    this.name = name;
    this.vocabSize = vocabSize;
  }

  void check(JsonNode root) throws IOException {
    checkModelType(root.path("model").path("type"));
    checkSubwordPrefix(root.path("model"));
    checkParts(root.path("normalizer"));
    checkParts(root.path("pre_tokenizer"));
    checkParts(root.path("post_processor"));
    checkParts(root.path("decoder"));
  }

  /// Not a crash, but the library's answer to an unknown model says nothing.
  private void checkModelType(JsonNode type) throws IOException {
    if (!type.isMissingNode() && !MODELS.contains(type.asText())) {
      throw unusable("model.type %s is not one of %s".formatted(type, MODELS));
    }
  }

  /// A merge's right half loses the prefix, so it must have it.
  private void checkSubwordPrefix(JsonNode model) throws IOException {
    String prefix = model.path("continuing_subword_prefix").asText("");
    if (prefix.isEmpty()) {
      return;
    }
    for (JsonNode merge : model.path("merges")) {
      String right =
          merge.isArray()
              ? merge.path(1).asText()
              : merge.asText().substring(merge.asText().indexOf(' ') + 1);
      if (!right.startsWith(prefix)) {
        throw unusable("merge %s lacks continuing_subword_prefix \"%s\"".formatted(merge, prefix));
      }
    }
  }

  private void checkParts(JsonNode part) throws IOException {
    for (JsonNode child : part) {
      if (child.isContainerNode()) {
        checkParts(child);
      }
    }
    switch (part.path("type").asText()) {
      case "FixedLength" ->
          require(part.path("length").asInt() > 0, "FixedLength.length", part.path("length"));
      // the decoder of that name has a start and a stop, the normalizer has neither
      case "Strip" -> require(part.path("stop").asInt() == 0, "Strip.stop", part.path("stop"));
      case "Precompiled" -> checkCharsMap(part.path("precompiled_charsmap").asText());
      case "TemplateProcessing" -> checkTemplate(part);
      case "BertProcessing", "RobertaProcessing" -> {
        checkId(part.path("sep").path(1));
        checkId(part.path("cls").path(1));
      }
      default -> {}
    }
  }

  /// SentencePiece's normalization rules: the trie's size in bytes, the trie, the replacements.
  private void checkCharsMap(String base64) throws IOException {
    int trieBytes = -1;
    int length = 0;
    try {
      byte[] map = Base64.getDecoder().decode(base64);
      length = map.length;
      if (length >= 4) {
        trieBytes = ByteBuffer.wrap(map).order(ByteOrder.LITTLE_ENDIAN).getInt();
      }
    } catch (IllegalArgumentException notBase64) {
      throw unusable("precompiled_charsmap is not base64");
    }
    if (trieBytes < 1024 || trieBytes % 4 != 0 || trieBytes > length - 4) {
      throw unusable("precompiled_charsmap is cut short");
    }
  }

  private void checkTemplate(JsonNode template) throws IOException {
    JsonNode special = template.path("special_tokens");
    for (JsonNode entry : special) {
      for (JsonNode id : entry.path("ids")) {
        checkId(id);
      }
    }
    for (JsonNode piece : template.path("single")) {
      if ("B".equals(piece.path("Sequence").path("id").asText())) {
        throw unusable("the template for a single text names a second one");
      }
    }
    for (String list : new String[] {"single", "pair"}) {
      for (JsonNode piece : template.path(list)) {
        String token = piece.path("SpecialToken").path("id").asText();
        if (piece.has("SpecialToken") && !special.has(token)) {
          throw unusable("the template's token \"%s\" is not defined".formatted(token));
        }
      }
    }
  }

  private void checkId(JsonNode id) throws IOException {
    if (!id.isInt() || id.intValue() < 0 || id.intValue() >= vocabSize) {
      throw unusable("post_processor id %s is outside the %d tokens".formatted(id, vocabSize));
    }
  }

  private void require(boolean rule, String field, JsonNode value) throws IOException {
    if (!rule) {
      throw unusable("%s %s would crash the tokenizer library".formatted(field, value));
    }
  }

  private IOException unusable(String reason) {
    return new IOException(
        "%s: not a usable tokenizer.json: %s; export it again".formatted(name, reason));
  }
}
