package bitnet.data;

import java.util.Optional;

/// A question with its answer.
///
/// @param query what is asked
/// @param answer the final answer, without the way to it
/// @param reasoning the way to it, where the data have one
public record QaRecord(String query, String answer, Optional<String> reasoning) {

  /// Checks that question and answer say something.
  ///
  /// @throws IllegalArgumentException if one of them is blank
  public QaRecord {
    if (query.isBlank() || answer.isBlank()) {
      throw new IllegalArgumentException(
          "query \"%s\" with answer \"%s\" is not a valid record: neither field may be blank"
              .formatted(query, answer));
    }
  }
}
