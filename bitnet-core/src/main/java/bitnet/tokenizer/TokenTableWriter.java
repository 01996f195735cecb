package bitnet.tokenizer;

import bitnet.tokenizer.TokenTable.Kind;
import bitnet.tokenizer.TokenTable.Model;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// Writes a [TokenTable] as tokenizer.json and tokenizer_config.json.
final class TokenTableWriter {
  static final String SPACE = "\u2581"; // SentencePiece's visible space

  private final TokenTable table;
  private final boolean byteLevel;

  TokenTableWriter(TokenTable table) {
    this.table = table;
    this.byteLevel = table.model() == Model.BYTE_LEVEL;
  }

  /// @throws IllegalArgumentException if the table contradicts itself or asks for something that
  ///     is not supported
  byte[] tokenizerJson() throws IOException {
    ObjectNode root = TokenizerFile.JSON.createObjectNode();
    root.put("version", "1.0");
    root.putNull("truncation");
    root.putNull("padding");
    addSpecial(root.putArray("added_tokens"));
    if (byteLevel) {
      if (table.composed()) {
        root.putObject("normalizer").put("type", "NFC");
      } else {
        root.putNull("normalizer");
      }
      root.set("pre_tokenizer", splitting().json());
    } else {
      root.set("normalizer", normalizer());
      root.putNull("pre_tokenizer");
    }
    root.set("post_processor", postProcessor());
    root.set("decoder", byteLevel ? WordSplitting.GPT2.json() : decoder());
    root.set("model", model());
    return TokenizerJson.print(root);
  }

  private WordSplitting splitting() {
    return WordSplitting.of(table.splitting())
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "tokenizer.ggml.pre \"%s\" is not supported; supported are %s"
                        .formatted(table.splitting(), WordSplitting.allNames())));
  }

  private void addSpecial(ArrayNode added) {
    for (int id = 0; id < table.tokens().size(); id++) {
      boolean special =
          switch (table.vocabulary().kinds().get(id)) {
            case CONTROL, UNKNOWN -> true;
            case NORMAL, USER_DEFINED, UNUSED, BYTE -> false;
          };
      if (special || table.vocabulary().kinds().get(id) == Kind.USER_DEFINED) {
        ObjectNode token = added.addObject().put("id", id).put("content", table.tokens().get(id));
        table.rules().getOrDefault(id, AddedTokenRule.PLAIN).write(token);
        token.put("special", special);
      }
    }
  }

  private ObjectNode normalizer() {
    ObjectNode root = TokenizerFile.JSON.createObjectNode().put("type", "Sequence");
    ArrayNode parts = root.putArray("normalizers");
    if (table.addsSpace()) {
      parts.addObject().put("type", "Prepend").put("prepend", SPACE);
    }
    replace(parts.addObject(), " ", SPACE);
    return root;
  }

  private static void replace(ObjectNode part, String text, String by) {
    part.put("type", "Replace").putObject("pattern").put("String", text);
    part.put("content", by);
  }

  private ObjectNode decoder() {
    ObjectNode root = TokenizerFile.JSON.createObjectNode().put("type", "Sequence");
    ArrayNode parts = root.putArray("decoders");
    replace(parts.addObject(), SPACE, " ");
    parts.addObject().put("type", "ByteFallback");
    parts.addObject().put("type", "Fuse");
    if (table.addsSpace()) {
      parts.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    }
    return root;
  }

  private ObjectNode postProcessor() {
    if (!table.special().addsBegin() || table.special().begin().isEmpty()) {
      return WordSplitting.GPT2.json();
    }
    int id = table.special().begin().getAsInt();
    String token = table.tokens().get(id);
    ObjectNode root = TokenizerFile.JSON.createObjectNode().put("type", "TemplateProcessing");
    ArrayNode single = root.putArray("single");
    ArrayNode pair = root.putArray("pair");
    for (String text : List.of("A", "B")) {
      for (ArrayNode template : text.equals("A") ? List.of(single, pair) : List.of(pair)) {
        int type = text.equals("A") ? 0 : 1;
        template.addObject().putObject("SpecialToken").put("id", token).put("type_id", type);
        template.addObject().putObject("Sequence").put("id", text).put("type_id", type);
      }
    }
    ObjectNode special = root.putObject("special_tokens").putObject(token);
    special.put("id", token);
    special.putArray("ids").add(id);
    special.putArray("tokens").add(token);
    return root;
  }

  private ObjectNode model() {
    ObjectNode model = TokenizerFile.JSON.createObjectNode();
    model.put("type", "BPE");
    model.putNull("dropout");
    model.put("unk_token", unknown());
    model.putNull("continuing_subword_prefix");
    model.putNull("end_of_word_suffix");
    model.put("fuse_unk", !byteLevel);
    model.put("byte_fallback", !byteLevel);
    model.put("ignore_merges", byteLevel && splitting().ignoresMerges());
    ObjectNode vocabulary = model.putObject("vocab");
    Map<String, Integer> seen = new HashMap<>();
    for (int id = 0; id < table.tokens().size(); id++) {
      String token = table.tokens().get(id);
      if (table.vocabulary().kinds().get(id) == Kind.UNUSED
          && token.equals(TokenTable.unused(id))) {
        continue;
      }
      Integer other = seen.put(token, id);
      if (other != null) {
        throw new IllegalArgumentException(
            "tokens %d and %d are both \"%s\"".formatted(other, id, token));
      }
      vocabulary.put(token, id);
    }
    merges(seen).forEach(model.putArray("merges")::add);
    return model;
  }

  private @Nullable String unknown() {
    int id = table.vocabulary().kinds().indexOf(Kind.UNKNOWN);
    return byteLevel || id < 0 ? null : table.tokens().get(id);
  }

  private List<String> merges(Map<String, Integer> ids) {
    if (!byteLevel) {
      float[] scores = new float[table.vocabulary().scores().size()];
      boolean[] ordinary = new boolean[scores.length];
      for (int id = 0; id < scores.length; id++) {
        scores[id] = table.vocabulary().scores().get(id);
        ordinary[id] =
            table.vocabulary().kinds().get(id) == Kind.NORMAL && !table.tokens().get(id).isEmpty();
      }
      return PieceMerges.of(table.tokens(), ordinary, scores);
    }
    for (String merge : table.vocabulary().merges()) {
      int space = merge.indexOf(' ', 1);
      if (space < 0
          || !ids.containsKey(merge.substring(0, space))
          || !ids.containsKey(merge.substring(space + 1))
          || !ids.containsKey(merge.substring(0, space) + merge.substring(space + 1))) {
        throw new IllegalArgumentException(
            "merge \"%s\" does not join two tokens to a third".formatted(merge));
      }
    }
    return table.vocabulary().merges();
  }

  byte[] config() throws IOException {
    ObjectNode root = TokenizerFile.JSON.createObjectNode();
    root.put("tokenizer_class", "PreTrainedTokenizerFast");
    root.put("clean_up_tokenization_spaces", false);
    put(root, "bos_token", table.special().begin());
    put(root, "eos_token", table.special().end());
    put(root, "pad_token", table.special().padding());
    table.chatTemplate().ifPresent(template -> root.put("chat_template", template));
    return TokenizerJson.print(root);
  }

  private void put(ObjectNode root, String key, OptionalInt id) {
    id.ifPresent(token -> root.put(key, table.tokens().get(token)));
  }
}
