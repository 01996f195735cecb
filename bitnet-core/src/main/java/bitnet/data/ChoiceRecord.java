package bitnet.data;

import java.util.List;

/// A question with answers to choose from.
///
/// @param prompt what comes before an answer, without the blank between them
/// @param choices the answers, at least two
/// @param right the index of the right one
public record ChoiceRecord(String prompt, List<String> choices, int right) {

  /// Checks the record and copies the list.
  ///
  /// @throws IllegalArgumentException if the prompt or an answer is blank, there is nothing to
  ///     choose from, or none of the answers is the right one
  public ChoiceRecord {
    choices = List.copyOf(choices);
    if (prompt.isBlank() || choices.stream().anyMatch(String::isBlank)) {
      throw new IllegalArgumentException(
          "prompt \"%s\" with choices %s is not a valid record: no field may be blank"
              .formatted(prompt, choices));
    }
    if (choices.size() < 2 || right < 0 || right >= choices.size()) {
      throw new IllegalArgumentException(
          "choice %d of %d cannot be the right one; give at least two, and one of them as right"
              .formatted(right, choices.size()));
    }
  }
}
