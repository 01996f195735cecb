package bitnet.data;

/// The training text of a JSON record: its field `text`, or, of a question with its answer, what
/// [QaTemplate] makes of them.
///
/// @param prompt of a question, else empty
/// @param text what follows it
record JsonExample(String prompt, String text) {
  /// What a record looks like.
  static final String SHAPE = "{\"text\": ...} or {\"query\": ..., \"answer\": ...}";

  static JsonExample of(JsonRecord record) throws RecordFault {
    if (record.has("text") || !record.has("query")) {
      return new JsonExample(
          "", record.text("text", "add or rename the field, or write \"query\" and \"answer\""));
    }
    QaRecord question = QaDataset.plain(record);
    return new JsonExample(QaTemplate.prompt(question.query()), QaTemplate.target(question));
  }
}
