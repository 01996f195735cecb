package bitnet.server;

import bitnet.generation.TokenRanking;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Chat completions.
///
/// @param ranked whether log-probabilities are wanted
record ChatForm(TokenNames names, boolean ranked) implements AnswerForm {

  @Override
  public String object(boolean isChunk) {
    return isChunk ? "chat.completion.chunk" : "chat.completion";
  }

  @Override
  public ObjectNode opening(int choice) {
    ObjectNode node = RequestBody.JSON.createObjectNode().put("index", choice);
    node.putObject("delta").put("role", "assistant").put("content", "");
    node.putNull("logprobs");
    return node.putNull("finish_reason");
  }

  @Override
  public ObjectNode chunk(
      int choice, String text, List<TokenRanking> tokens, @Nullable String finish) {
    ObjectNode node = RequestBody.JSON.createObjectNode().put("index", choice);
    ObjectNode delta = node.putObject("delta");
    if (finish == null || !text.isEmpty()) {
      delta.put("content", text);
    }
    putLogProbabilities(node, tokens);
    return node.put("finish_reason", finish);
  }

  @Override
  public ObjectNode whole(int choice, String text, List<TokenRanking> tokens, String finish) {
    ObjectNode node = RequestBody.JSON.createObjectNode().put("index", choice);
    node.putObject("message").put("role", "assistant").put("content", text).putNull("refusal");
    putLogProbabilities(node, tokens);
    return node.put("finish_reason", finish);
  }

  private void putLogProbabilities(ObjectNode node, List<TokenRanking> tokens) {
    if (!ranked) {
      node.putNull("logprobs");
      return;
    }
    ObjectNode logProbabilities = node.putObject("logprobs");
    ArrayNode content = logProbabilities.putArray("content");
    tokens.forEach(each -> content.add(names.chat(each)));
    logProbabilities.putNull("refusal");
  }
}
