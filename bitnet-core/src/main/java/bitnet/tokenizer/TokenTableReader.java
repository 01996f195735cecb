package bitnet.tokenizer;

import bitnet.tokenizer.TokenTable.Kind;
import bitnet.tokenizer.TokenTable.Model;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// Makes a [TokenTable] of a tokenizer.json.
final class TokenTableReader {
  private static final Pattern BYTE = Pattern.compile("<0x[0-9A-F]{2}>");

  private final Tokenizer tokenizer;
  private final JsonNode root;
  private final Model model;
  private final List<String> tokens = new ArrayList<>();
  private final List<Kind> kinds = new ArrayList<>();

  private TokenTableReader(Tokenizer tokenizer, JsonNode root) {
    this.tokenizer = tokenizer;
    this.root = root;
    this.model = model();
  }

  static TokenTable read(Tokenizer tokenizer) {
    try {
      JsonNode root = TokenizerFile.parse(tokenizer.json(), tokenizer.name());
      Optional<byte[]> config = tokenizer.config();
      JsonNode settings =
          config.isPresent()
              ? TokenizerFile.parse(config.get(), tokenizer.name())
              : TokenizerFile.JSON.createObjectNode();
      Optional<String> template = tokenizer.chatTemplate().map(ChatTemplate::source);
      return new TokenTableReader(tokenizer, root).table(settings, template);
    } catch (IOException damaged) { // it was read before
      throw new IllegalArgumentException(damaged.getMessage(), damaged);
    }
  }

  private Model model() {
    JsonNode bpe = root.path("model");
    if (bpe.path("type").asText().equals("BPE")) {
      if (has(root.path("pre_tokenizer"), "ByteLevel")) {
        return Model.BYTE_LEVEL;
      }
      boolean spaces =
          has(root.path("pre_tokenizer"), "Metaspace") || has(root.path("normalizer"), "Replace");
      if (bpe.path("byte_fallback").asBoolean() && spaces) {
        return Model.SENTENCE_PIECE;
      }
    }
    throw unusable("only byte-level BPE and SentencePiece's BPE with bytes for unknown characters");
  }

  private IllegalArgumentException unusable(String supported) {
    return new IllegalArgumentException(
        "%s has no GGUF form: %s are supported; use an hf format"
            .formatted(tokenizer.name(), supported));
  }

  /// Whether a part or one inside it is of a type.
  private static boolean has(JsonNode part, String type) {
    return find(part, type).isPresent();
  }

  private static Optional<JsonNode> find(JsonNode part, String type) {
    if (part.path("type").asText().equals(type)) {
      return Optional.of(part);
    }
    for (String list : List.of("normalizers", "pretokenizers", "processors")) {
      for (JsonNode child : part.path(list)) {
        Optional<JsonNode> found = find(child, type);
        if (found.isPresent()) {
          return found;
        }
      }
    }
    return Optional.empty();
  }

  private TokenTable table(JsonNode settings, Optional<String> chatTemplate) {
    readTokens();
    List<String> merges = merges();
    boolean byteLevel = model == Model.BYTE_LEVEL;
    return new TokenTable(
        model,
        byteLevel ? splitting(merges) : "default",
        byteLevel && isComposed(),
        new TokenTable.Vocabulary(
            tokens, kinds, byteLevel ? List.of() : scores(merges), byteLevel ? merges : List.of()),
        new TokenTable.SpecialIds(
            tokenizer.beginOfText(), tokenizer.endOfText(), padding(settings), addsBegin()),
        !byteLevel && addsSpace(),
        chatTemplate,
        rules());
  }

  private void readTokens() {
    for (int id = 0; id < tokenizer.vocabSize(); id++) {
      tokens.add(TokenTable.unused(id));
      kinds.add(Kind.UNUSED);
    }
    for (Map.Entry<String, JsonNode> entry : root.path("model").path("vocab").properties()) {
      int id = entry.getValue().intValue();
      tokens.set(id, entry.getKey());
      boolean isByte = model == Model.SENTENCE_PIECE && BYTE.matcher(entry.getKey()).matches();
      kinds.set(id, isByte ? Kind.BYTE : Kind.NORMAL);
    }
    for (JsonNode added : root.path("added_tokens")) {
      int id = added.path("id").intValue();
      tokens.set(id, added.path("content").asText());
      kinds.set(id, added.path("special").asBoolean() ? Kind.CONTROL : Kind.USER_DEFINED);
    }
    OptionalInt unknown = tokenizer.id(root.path("model").path("unk_token").asText());
    if (model == Model.SENTENCE_PIECE && unknown.isPresent()) {
      kinds.set(unknown.getAsInt(), Kind.UNKNOWN);
    }
  }

  /// Without a normalizer `normalized` changes nothing.
  private SortedMap<Integer, AddedTokenRule> rules() {
    SortedMap<Integer, AddedTokenRule> rules = new TreeMap<>();
    for (JsonNode added : root.path("added_tokens")) {
      AddedTokenRule rule = AddedTokenRule.read(added);
      if (model == Model.BYTE_LEVEL && !isComposed()) {
        rule = new AddedTokenRule(rule.singleWord(), rule.leftStrip(), rule.rightStrip(), false);
      }
      if (!rule.equals(AddedTokenRule.PLAIN)) {
        rules.put(added.path("id").intValue(), rule);
      }
    }
    return rules;
  }

  private List<String> merges() {
    List<String> merges = new ArrayList<>();
    for (JsonNode merge : root.path("model").path("merges")) {
      merges.add(
          merge.isArray() ? merge.path(0).asText() + " " + merge.path(1).asText() : merge.asText());
    }
    return merges;
  }

  private String splitting(List<String> merges) {
    JsonNode normalizer = root.path("normalizer");
    if (!normalizer.isNull() && !normalizer.isMissingNode() && !isComposed()) {
      throw unusable("only byte-level tokenizers with the normalizer NFC or without one");
    }
    return WordSplitting.of(root.path("pre_tokenizer"), !merges.isEmpty())
        .orElseThrow(
            () ->
                unusable(
                    "of the ways to cut a text into words only those that llama.cpp calls "
                        + WordSplitting.allNames()))
        .key();
  }

  private boolean isComposed() {
    return root.path("normalizer").path("type").asText().equals("NFC");
  }

  private List<Float> scores(List<String> merges) {
    boolean[] ordinary = new boolean[tokens.size()];
    for (int id = 0; id < ordinary.length; id++) {
      ordinary[id] = kinds.get(id) == Kind.NORMAL && !tokens.get(id).isEmpty();
    }
    List<Float> scores = new ArrayList<>(ordinary.length);
    try {
      for (float score : PieceMerges.scores(tokens, ordinary, merges)) {
        scores.add(score);
      }
    } catch (IllegalArgumentException noScores) {
      throw new IllegalArgumentException(
          "%s has no GGUF form: %s; use an hf format"
              .formatted(tokenizer.name(), noScores.getMessage()),
          noScores);
    }
    return Collections.unmodifiableList(scores);
  }

  private OptionalInt padding(JsonNode settings) {
    JsonNode token = settings.path("pad_token");
    return tokenizer.id(token.isObject() ? token.path("content").asText() : token.asText());
  }

  private boolean addsBegin() {
    Optional<JsonNode> template = find(root.path("post_processor"), "TemplateProcessing");
    if (template.isEmpty() || tokenizer.beginOfText().isEmpty()) {
      return false;
    }
    String first = template.get().path("single").path(0).path("SpecialToken").path("id").asText();
    return tokenizer.id(first).equals(tokenizer.beginOfText());
  }

  private boolean addsSpace() {
    Optional<JsonNode> metaspace = find(root.path("pre_tokenizer"), "Metaspace");
    return metaspace.isPresent()
        ? !metaspace.get().path("prepend_scheme").asText("always").equals("never")
        : has(root.path("normalizer"), "Prepend");
  }
}
