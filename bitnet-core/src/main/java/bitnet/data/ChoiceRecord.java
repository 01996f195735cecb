package bitnet.data;

import java.util.List;

/// A question with answers to choose from.
///
/// @param prompt what comes before an answer, without the blank between them
/// @param choices the answers, at least two
/// @param right the index of the right one
public record ChoiceRecord(String prompt, List<String> choices, int right) {
  private static final char NEXT_LINE = 0x85;

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

  /// The prompt without white space at its end: the harness counts that to the choices.
  public String context() {
    return stripTrailing(prompt);
  }

  /// As Python's `strip`, which also takes the blanks that do not break a line.
  static String strip(String text) {
    int start = 0;
    while (start < text.length() && isSpace(text.charAt(start))) {
      start++;
    }
    return stripTrailing(text.substring(start));
  }

  private static String stripTrailing(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end);
  }

  private static boolean isSpace(char character) {
    return Character.isWhitespace(character)
        || Character.isSpaceChar(character)
        || character == NEXT_LINE;
  }
}
