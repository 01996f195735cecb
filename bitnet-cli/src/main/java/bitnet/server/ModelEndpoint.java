package bitnet.server;

import bitnet.generation.BatchedModel;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/// What the server says about its model and its tokenizer.
final class ModelEndpoint {
  private final BatchedModel model;
  private final String name;
  private final int context;
  private final long created = System.currentTimeMillis() / 1000;

  ModelEndpoint(BatchedModel model, String name, int context) {
    this.model = model;
    this.name = name;
    this.context = context;
  }

  /// `GET /v1/models`.
  ObjectNode list() {
    ObjectNode node = RequestBody.JSON.createObjectNode().put("object", "list");
    node.putArray("data").add(entry());
    return node;
  }

  /// `GET /v1/models/{id}`.
  ObjectNode get(String id) {
    if (!id.equals(name)) {
      throw new ApiException(
          404, "the model is not served here; use " + name, "model", "model_not_found");
    }
    return entry();
  }

  private ObjectNode entry() {
    return RequestBody.JSON
        .createObjectNode()
        .put("id", name)
        .put("object", "model")
        .put("created", created)
        .put("owned_by", "bitnet")
        .put("max_model_len", context);
  }

  /// `GET /v1/tokenizer_info`, as lm-evaluation-harness asks for it.
  ObjectNode tokenizerInfo() {
    Tokenizer tokenizer = model.tokenizer();
    ObjectNode node = RequestBody.JSON.createObjectNode();
    node.put("vocab_size", tokenizer.vocabSize());
    node.put("bos_token", tokenizer.beginOfTextSpelling().orElse(null));
    node.put("eos_token", tokenizer.endOfTextSpelling().orElse(null));
    node.put("pad_token", tokenizer.endOfTextSpelling().orElse(null));
    node.put("chat_template", model.chatTemplate().map(each -> each.source()).orElse(null));
    return node;
  }

  /// `POST /tokenize`: `prompt`, or `content` as llama.cpp's server names it.
  ObjectNode tokenize(RequestBody body) {
    String text = body.text(body.has("prompt") ? "prompt" : "content");
    boolean special = body.flag("add_special_tokens") || body.flag("add_special");
    int[] ids =
        special ? model.tokenizer().encodeWithSpecialTokens(text) : model.tokenizer().encode(text);
    ObjectNode node = RequestBody.JSON.createObjectNode();
    ArrayNode tokens = node.putArray("tokens");
    for (int id : ids) {
      tokens.add(id);
    }
    return node.put("count", ids.length).put("max_model_len", context);
  }

  /// `POST /detokenize`.
  ObjectNode detokenize(RequestBody body) {
    int[] ids = GenerationEndpoint.ids("tokens", body.node("tokens"));
    try {
      String text = model.tokenizer().decode(ids);
      return RequestBody.JSON.createObjectNode().put("prompt", text).put("content", text);
    } catch (IllegalArgumentException unknown) {
      throw ApiException.ofField("tokens", String.valueOf(unknown.getMessage()));
    }
  }
}
