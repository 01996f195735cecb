package bitnet.tokenizer;

import bitnet.storage.PrintableText;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The tokens that begin and end a text: as a `tokenizer_config.json` says, else by their usual
/// names.
///
/// @param beginOfText the token, or null if the vocabulary has none
/// @param endOfText the token, or null if the vocabulary has none
/// @param padding the token, or null if the vocabulary has none
/// @param warnings special tokens that are configured but not in the vocabulary, one line each
record SpecialTokens(
    @Nullable String beginOfText,
    @Nullable String endOfText,
    @Nullable String padding,
    List<String> warnings) {

  private static final List<String> BEGIN = List.of("<s>", "<|begin_of_text|>", "<bos>");
  private static final List<String> END =
      List.of("</s>", "<|endoftext|>", "<|end_of_text|>", "<eos>", "<|eot_id|>");
  private static final List<String> PADDING = List.of("<pad>", "<|pad|>", "[PAD]");

  /// Reads a tokenizer_config.json.
  ///
  /// The padding token is never used, and a text need not begin with a token: if the vocabulary
  /// lacks these, a warning says so.
  ///
  /// @throws IOException if it is damaged or names a token that ends a text and the vocabulary
  ///     lacks
  static SpecialTokens configured(byte[] config, String name, TokenizerFile file)
      throws IOException {
    JsonNode root = TokenizerFile.parse(config, name);
    List<String> warnings = new ArrayList<>();
    return new SpecialTokens(
        optional(root, "bos_token", name, file, warnings),
        token(root, "eos_token", name, file),
        optional(root, "pad_token", name, file, warnings),
        warnings);
  }

  private static @Nullable String optional(
      JsonNode root, String key, String name, TokenizerFile file, List<String> warnings)
      throws IOException {
    JsonNode content = content(root, key);
    if (content.isTextual() && file.id(content.textValue()).isEmpty()) {
      warnings.add(
          "%s: %s \"%s\" is not a token of %s and is left out"
              .formatted(name, key, PrintableText.escape(content.textValue()), file.name()));
      return null;
    }
    return token(root, key, name, file);
  }

  /// Either the token itself or an object that describes it.
  private static JsonNode content(JsonNode root, String key) {
    JsonNode node = root.path(key);
    return node.isObject() ? node.path("content") : node;
  }

  private static @Nullable String token(JsonNode root, String key, String name, TokenizerFile file)
      throws IOException {
    JsonNode content = content(root, key);
    if (content.isMissingNode() || content.isNull()) {
      return null;
    }
    if (!content.isTextual() || file.id(content.textValue()).isEmpty()) {
      throw new IOException(
          "%s: %s %s is not a token of %s; correct it or delete the line"
              .formatted(name, key, content, file.name()));
    }
    return content.textValue();
  }

  /// The tokens with the usual names that the vocabulary has.
  static SpecialTokens usual(TokenizerFile file) {
    return new SpecialTokens(
        first(BEGIN, file).orElse(null),
        first(END, file).orElse(null),
        first(PADDING, file).orElse(null),
        List.of());
  }

  private static Optional<String> first(List<String> names, TokenizerFile file) {
    return names.stream().filter(name -> file.id(name).isPresent()).findFirst();
  }

  /// A tokenizer_config.json for Hugging Face tools.
  byte[] config() throws IOException {
    ObjectNode root = TokenizerFile.JSON.createObjectNode();
    root.put("tokenizer_class", "PreTrainedTokenizerFast");
    root.put("clean_up_tokenization_spaces", false);
    if (beginOfText != null) {
      root.put("bos_token", beginOfText);
    }
    if (endOfText != null) {
      root.put("eos_token", endOfText);
    }
    if (padding != null) {
      root.put("pad_token", padding);
    }
    return TokenizerJson.print(root);
  }
}
