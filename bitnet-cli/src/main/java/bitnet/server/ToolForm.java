package bitnet.server;

import bitnet.generation.TokenRanking;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// Chat completions that may call tools. What may be a call is held back until the answer ends.
///
/// @param texts of the choices of a stream
record ToolForm(ChatForm chat, Tools tools, Map<Integer, Text> texts) implements AnswerForm {

  /// The text of a choice so far.
  static final class Text {
    private final StringBuilder all = new StringBuilder();
    private int shown;
  }

  ToolForm(ChatForm chat, Tools tools) {
    this(chat, tools, new ConcurrentHashMap<>());
  }

  @Override
  public String object(boolean isChunk) {
    return chat.object(isChunk);
  }

  @Override
  public ObjectNode opening(int choice) {
    return chat.opening(choice);
  }

  @Override
  public ObjectNode chunk(
      int choice, String text, List<TokenRanking> tokens, @Nullable String finish) {
    Text so = texts.computeIfAbsent(choice, each -> new Text());
    so.all.append(text);
    if (finish == null) {
      int end = Math.max(so.shown, showable(so.all.toString()));
      String piece = so.all.substring(so.shown, end);
      so.shown = end;
      return chat.chunk(choice, piece, tokens, null);
    }
    ToolCalls answer = ToolCalls.parse(tools, so.all.toString());
    String rest = answer.calls().isEmpty() ? so.all.substring(so.shown) : "";
    ObjectNode node = chat.chunk(choice, rest, tokens, reason(answer, finish));
    if (!answer.calls().isEmpty()) {
      ((ObjectNode) node.get("delta")).set("tool_calls", answer.json(true));
    }
    return node;
  }

  /// Characters at the beginning that are certainly no call.
  private int showable(String text) {
    if (tools.style() == ToolStyle.LLAMA) {
      return text.stripLeading().isEmpty() || text.stripLeading().startsWith("{")
          ? 0
          : text.length();
    }
    int open = text.indexOf(ToolStyle.OPEN);
    if (open >= 0) {
      return open;
    }
    int held = Math.min(text.length(), ToolStyle.OPEN.length() - 1);
    while (!ToolStyle.OPEN.startsWith(text.substring(text.length() - held))) {
      held--;
    }
    return text.length() - held;
  }

  private static String reason(ToolCalls answer, String finish) {
    return !answer.calls().isEmpty() && finish.equals("stop") ? "tool_calls" : finish;
  }

  @Override
  public ObjectNode whole(int choice, String text, List<TokenRanking> tokens, String finish) {
    ToolCalls answer = ToolCalls.parse(tools, text);
    ObjectNode node = chat.whole(choice, answer.content(), tokens, reason(answer, finish));
    if (!answer.calls().isEmpty()) {
      ObjectNode message = (ObjectNode) node.get("message");
      message.set("tool_calls", answer.json(false));
      if (answer.content().isEmpty()) {
        message.putNull("content");
      }
    }
    return node;
  }
}
