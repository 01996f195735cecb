package bitnet.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// How byte-level tokenizers cut a text into words before merging, by the names that llama.cpp
/// gives them (`tokenizer.ggml.pre`).
///
/// @param names the one to write first
/// @param patterns the cuts, one after the other; none for the pattern that `ByteLevel` has
record WordSplitting(List<String> names, List<String> patterns) {
  /// The pattern that the Hugging Face `ByteLevel` pre-tokenizer has built in.
  static final WordSplitting GPT2 = new WordSplitting(List.of("gpt-2", "olmo", "mpt"), List.of());
  /// LLaMA 3 and those who took its pattern.
  private static final WordSplitting LLAMA3 =
      new WordSplitting(
          List.of("llama-bpe", "llama3", "llama-v3", "falcon3"),
          List.of(
              "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
                  + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"));
  /// Qwen 2, with single digits.
  private static final WordSplitting QWEN2 =
      new WordSplitting(
          List.of("qwen2"),
          List.of(
              "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
                  + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"));
  /// Qwen 3.5, with marks as part of words.
  private static final WordSplitting QWEN35 =
      new WordSplitting(
          List.of("qwen35"),
          List.of(
              "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}|"
                  + " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"));
  /// What llama.cpp does where a file does not say more: four cuts, one after the other.
  private static final WordSplitting DEFAULT =
      new WordSplitting(
          List.of("default"),
          List.of(
              "[\\p{P}\\$\\+<=>\\^~\\|]+",
              "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)",
              "\\p{N}+",
              "[0-9][0-9][0-9]"));

  private static final List<WordSplitting> ALL = List.of(GPT2, LLAMA3, QWEN2, QWEN35, DEFAULT);

  /// The name to write.
  String key() {
    return names.getFirst();
  }

  static Optional<WordSplitting> of(String name) {
    return ALL.stream().filter(split -> split.names.contains(name)).findFirst();
  }

  static String allNames() {
    return ALL.stream().flatMap(split -> split.names.stream()).collect(Collectors.joining(", "));
  }

  /// Whether a word that is a token stays whole, whatever the merges say.
  boolean ignoresMerges() {
    return equals(LLAMA3);
  }

  /// Whether these are Qwen's cuts, whose tokenizers normalize texts to NFC.
  boolean isQwen() {
    return equals(QWEN2) || equals(QWEN35);
  }

  /// The pre-tokenizer of a tokenizer.json.
  ObjectNode json() {
    ObjectNode bytes = TokenizerFile.JSON.createObjectNode();
    bytes.put("type", "ByteLevel");
    bytes.put("add_prefix_space", false);
    bytes.put("trim_offsets", true);
    bytes.put("use_regex", patterns.isEmpty());
    if (patterns.isEmpty()) {
      return bytes;
    }
    ObjectNode root = TokenizerFile.JSON.createObjectNode();
    root.put("type", "Sequence");
    ArrayNode parts = root.putArray("pretokenizers");
    for (String pattern : patterns) {
      ObjectNode split = parts.addObject();
      split.put("type", "Split");
      split.putObject("pattern").put("Regex", pattern);
      split.put("behavior", "Isolated");
      split.put("invert", false);
    }
    parts.add(bytes);
    return root;
  }

  /// The splitting that a tokenizer.json asks for, if it has a name here.
  ///
  /// @param preTokenizer the part of that name
  /// @param merges whether there are merges; without any, the cuts do not matter
  static Optional<WordSplitting> of(JsonNode preTokenizer, boolean merges) {
    List<JsonNode> parts = new ArrayList<>();
    if (preTokenizer.path("type").asText().equals("Sequence")) {
      preTokenizer.path("pretokenizers").forEach(parts::add);
    } else {
      parts.add(preTokenizer);
    }
    JsonNode last = parts.isEmpty() ? preTokenizer : parts.removeLast();
    List<String> regexes = new ArrayList<>();
    for (JsonNode part : parts) {
      if (!part.path("type").asText().equals("Split")
          || !part.path("behavior").asText().equals("Isolated")
          || part.path("invert").asBoolean()) {
        return Optional.empty();
      }
      regexes.add(part.path("pattern").path("Regex").asText());
    }
    if (!last.path("type").asText().equals("ByteLevel")
        || last.path("add_prefix_space").asBoolean(true)) {
      return Optional.empty();
    }
    boolean builtIn = last.path("use_regex").asBoolean(true);
    if (!merges && regexes.isEmpty()) {
      return Optional.of(GPT2);
    }
    return ALL.stream()
        .filter(split -> split.patterns.equals(regexes) && split.patterns.isEmpty() == builtIn)
        .findFirst();
  }
}
