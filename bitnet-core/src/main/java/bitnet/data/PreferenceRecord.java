package bitnet.data;

/// What a reward model learns from: answers to a question with a preference or a label.
public sealed interface PreferenceRecord {

  /// What was asked.
  String query();

  /// Two answers, the first better than the second.
  ///
  /// @param query what was asked
  /// @param chosen the better answer
  /// @param rejected the worse answer
  record Pair(String query, String chosen, String rejected) implements PreferenceRecord {}

  /// One answer and how good it is.
  ///
  /// @param query what was asked
  /// @param answer the answer
  /// @param label from 0, bad, to 1, good
  record Label(String query, String answer, double label) implements PreferenceRecord {

    /// Checks the label.
    ///
    /// @throws IllegalArgumentException if it is not from 0 to 1
    public Label {
      if (!(label >= 0 && label <= 1)) {
        throw new IllegalArgumentException("label %s is not from 0 to 1".formatted(label));
      }
    }
  }
}
