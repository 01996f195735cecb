package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.data.QaTemplate;
import java.util.List;

/// Refuses before training what would fail, or be cut off, in the middle of it.
///
/// @param settings of the run
/// @param context of the model, in tokens
record LengthCheck(GrpoSettings settings, int context) {

  /// Checks that every question fits the context with all that is written behind it.
  ///
  /// @throws IllegalArgumentException naming the lengths and a remedy
  void check(List<QaRecord> training, List<QaRecord> heldOut, RolloutSampler rollouts) {
    int longest = 0;
    for (List<QaRecord> records : List.of(training, heldOut)) {
      for (QaRecord record : records) {
        longest = Math.max(longest, rollouts.encode(QaTemplate.prompt(record.query())).length);
      }
    }
    int first = longest + settings.rollouts().maxLength();
    if (first > context) {
      throw new IllegalArgumentException(
          "the longest prompt has %d tokens, and with max_length %d it does not fit the model's"
                  .formatted(longest, settings.rollouts().maxLength())
              + " context of %d; use max_length %d or shorter questions"
                  .formatted(context, Math.max(1, context - longest)));
    }
    CorrectionSettings second = settings.correction().orElse(null);
    if (second == null) {
      return;
    }
    int query = longest - rollouts.encode(QaTemplate.prompt("")).length;
    int framed = 0;
    for (String phrase : second.guidance().phrases()) {
      int frame = rollouts.encode(QaTemplate.correctionPrompt("", "", phrase)).length;
      framed = Math.max(framed, frame + QaTemplate.queries(phrase) * query);
    }
    if (first + framed + second.maxLength() > context) {
      throw new IllegalArgumentException(
          "a question of %d tokens, a first answer of %d, the guiding prompt with its frame of %d"
                  .formatted(longest, settings.rollouts().maxLength(), framed)
              + " and a second_max_length of %d do not fit the model's context of %d; use shorter"
                  .formatted(second.maxLength(), context)
              + " lengths, or a model with a longer context");
    }
  }
}
