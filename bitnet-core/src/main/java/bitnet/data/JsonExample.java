package bitnet.data;

import bitnet.tokenizer.ChatTemplate;
import java.util.List;

/// The training text of a JSON record: its field `text`; of a question with its answer, what
/// [QaTemplate] makes of them; of `messages`, what the model's chat template does.
///
/// @param parts in order
/// @param conversation whether only the assistant's turns are learned, whatever [LossMask] is asked
///     for
record JsonExample(List<Part> parts, boolean conversation) {
  /// What a record looks like.
  static final String SHAPE =
      "{\"text\": ...}, {\"query\": ..., \"answer\": ...} or {\"messages\": [...]}";

  /// A part of the text.
  ///
  /// @param target whether it is learned where prompts are not
  record Part(String text, boolean target) {}

  /// Reads a record.
  ///
  /// @param template what writes `messages`
  /// @throws RecordFault if the record is of no such shape
  static JsonExample of(JsonRecord record, ChatTemplate template) throws RecordFault {
    if (record.has("text") || !(record.has("query") || record.has("messages"))) {
      String text =
          record.text(
              "text",
              "add or rename the field, or write \"query\" and \"answer\", or \"messages\"");
      return new JsonExample(List.of(new Part(text, true)), false);
    }
    if (record.has("messages")) {
      return new JsonExample(ConversationText.parts(record.any("messages"), template), true);
    }
    QaRecord question = QaDataset.plain(record);
    return new JsonExample(
        List.of(
            new Part(QaTemplate.prompt(question.query()), false),
            new Part(QaTemplate.target(question), true)),
        false);
  }

  /// Whether a part of it is a prompt.
  boolean hasPrompt() {
    return parts.stream().anyMatch(part -> !part.target());
  }
}
