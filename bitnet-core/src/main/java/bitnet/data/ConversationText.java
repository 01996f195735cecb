package bitnet.data;

import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.ChatTemplate.Message;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;

/// A conversation as a chat template writes it, parted where the assistant speaks: only these parts
/// are learned, each with what ends it. The header of a turn is part of the prompt, as it is when
/// the model is asked.
final class ConversationText {
  private static final String END_THINK = "</think>";

  private final ChatTemplate template;
  private final List<Turn> turns;
  private final List<Message> messages;
  private final String full;

  /// A message of a record.
  ///
  /// @param learned whether it is an assistant's turn whose `weight` is not 0
  private record Turn(Message message, boolean learned) {}

  private ConversationText(ChatTemplate template, List<Turn> turns) throws RecordFault {
    this.template = template;
    this.turns = turns;
    this.messages = turns.stream().map(Turn::message).toList();
    this.full = render(turns.size(), false);
  }

  /// The parts of a record's field `messages`, in the form of OpenAI's chat completions: objects
  /// with `role` (system, user or assistant) and `content` (a string, or a list of text parts); a
  /// turn of the assistant with `"weight": 0` is not learned.
  ///
  /// @throws RecordFault if the messages are something else, have nothing to learn, or do not suit
  ///     the template
  static List<JsonExample.Part> parts(JsonNode messages, ChatTemplate template) throws RecordFault {
    if (!messages.isArray() || messages.isEmpty()) {
      throw new RecordFault(
          "the field \"messages\" is not a list of messages",
          "write [{\"role\": \"user\", \"content\": ...}, ...]");
    }
    List<Turn> turns = new ArrayList<>();
    for (JsonNode message : messages) {
      turns.add(turn(message, turns.size() + 1));
    }
    if (turns.stream().noneMatch(Turn::learned)) {
      throw new RecordFault(
          "no message of the assistant is to be learned", "add one, or delete the record");
    }
    return new ConversationText(template, turns).parts();
  }

  private static Turn turn(JsonNode message, int number) throws RecordFault {
    String role = message.path("role").asText();
    if (!List.of("system", "user", "assistant").contains(role)) {
      throw new RecordFault(
          "message %d has no \"role\" of system, user or assistant".formatted(number),
          "correct it, or delete the record");
    }
    for (String unknown : List.of("tool_calls", "function_call")) {
      if (message.hasNonNull(unknown)) {
        throw new RecordFault(
            "message %d has \"%s\", which is not supported".formatted(number, unknown),
            "write the call into its content, or delete the record");
      }
    }
    JsonNode weight = message.path("weight");
    if (!weight.isMissingNode() && !(weight.isInt() && (weight.asInt() | 1) == 1)) {
      throw new RecordFault(
          "message %d has a \"weight\" other than 0 or 1".formatted(number), "write 0 or 1");
    }
    return new Turn(
        new Message(role, content(message.path("content"), number)),
        role.equals("assistant") && weight.asInt(1) == 1);
  }

  private static String content(JsonNode content, int number) throws RecordFault {
    if (content.isTextual()) {
      return content.textValue();
    }
    StringJoiner text = new StringJoiner("");
    for (JsonNode part : content) {
      if (!part.path("type").asText().equals("text") || !part.path("text").isTextual()) {
        throw new RecordFault(
            "message %d has a part that is not text".formatted(number),
            "write {\"type\": \"text\", \"text\": ...}, or delete the record");
      }
      text.add(part.path("text").textValue());
    }
    if (!content.isArray() || content.isEmpty()) {
      throw new RecordFault(
          "message %d has no text in \"content\"".formatted(number),
          "write \"content\": \"...\", or delete the record");
    }
    return text.toString();
  }

  private List<JsonExample.Part> parts() throws RecordFault {
    List<JsonExample.Part> parts = new ArrayList<>();
    int done = 0;
    for (int turn = 0; turn < turns.size(); turn++) {
      if (turns.get(turn).learned()) {
        int start = start(turn);
        int end = end(turn, start);
        parts.add(new JsonExample.Part(full.substring(done, start), false));
        parts.add(new JsonExample.Part(full.substring(start, end), true));
        done = end;
      }
    }
    parts.add(new JsonExample.Part(full.substring(done), false));
    return parts.stream().filter(part -> !part.text().isEmpty()).toList();
  }

  /// Where a turn begins: after what the template writes when that turn is asked for; where it
  /// asks otherwise than it records, after the message before it.
  private int start(int turn) throws RecordFault {
    String asked = render(turn, true);
    if (full.startsWith(asked)) {
      return asked.length();
    }
    String before = render(turn, false);
    if (full.startsWith(before)) {
      return before.length();
    }
    throw unlike(turn);
  }

  /// Where a turn ends. Templates may leave out the reasoning of a turn once others follow it, so
  /// it is looked for by its content.
  private int end(int turn, int start) throws RecordFault {
    String own = render(turn + 1, false);
    if (full.startsWith(own)) {
      return own.length();
    }
    String visible = withoutReasoning(messages.get(turn).content());
    int at = full.indexOf(visible, start);
    int ownAt = own.lastIndexOf(visible);
    if (at >= 0 && ownAt >= 0) {
      String after = own.substring(ownAt + visible.length());
      int end = at + visible.length();
      if (full.startsWith(after, end)) {
        return end + after.length();
      }
    }
    throw unlike(turn);
  }

  private static String withoutReasoning(String content) {
    int end = content.lastIndexOf(END_THINK);
    return (end < 0 ? content : content.substring(end + END_THINK.length())).strip();
  }

  private RecordFault unlike(int turn) {
    return new RecordFault(
        "the chat template writes message %d otherwise once others follow".formatted(turn + 1),
        "end the conversation there, or give that message \"weight\": 0");
  }

  private String render(int count, boolean answerNext) throws RecordFault {
    try {
      return template.render(messages.subList(0, count), answerNext);
    } catch (IllegalArgumentException refusal) {
      throw new RecordFault(
          String.valueOf(refusal.getMessage()), "correct the messages, or delete the record");
    }
  }
}
