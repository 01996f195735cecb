package bitnet.reward;

/// Query and completion as a decoder reads them.
///
/// @param ids at least one
/// @param firstScored the head looks at the tokens from this index on
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
record AnswerTokens(int[] ids, int firstScored) {

  /// How many tokens the head looks at.
  int scoredCount() {
    return ids.length - firstScored;
  }
}
