package bitnet.data;

import com.fasterxml.jackson.databind.node.ObjectNode;

/// A question with its reference answer and a completion that can be scored.
///
/// @param query the question
/// @param answer the reference answer
/// @param completion what a model wrote; may be empty
/// @param fields every field of the record, these three among them, in their order
public record ReferencedCompletion(
    String query, String answer, String completion, ObjectNode fields) {

  /// Copies the fields.
  public ReferencedCompletion {
    fields = fields.deepCopy();
  }
}
