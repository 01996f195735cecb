package bitnet.grpo;

import bitnet.data.QaRecord;
import java.util.List;
import java.util.stream.IntStream;

/// An answer of a step, for a log or for people.
///
/// @param step in which it was drawn, from 1
/// @param layer 1, or 2 for a correction
/// @param query what was asked
/// @param reference the right answer
/// @param first the answer that a correction corrects; empty in layer 1
/// @param completion the answer
/// @param reward its weighted reward
/// @param right whether its final answer is the reference
/// @param truncated whether it was cut off
public record CompletionRecord(
    long step,
    int layer,
    String query,
    String reference,
    String first,
    String completion,
    double reward,
    boolean right,
    boolean truncated) {

  /// The first answers of a step.
  static List<CompletionRecord> of(Judged answers, long step) {
    return IntStream.range(0, answers.size()).mapToObj(i -> of(answers, i, step, 1, "")).toList();
  }

  /// The corrections of a step.
  static List<CompletionRecord> of(SelfCorrection.Pairs pairs, long step) {
    List<Sample> first = pairs.first().samples();
    return IntStream.range(0, pairs.second().size())
        .mapToObj(i -> of(pairs.second(), i, step, 2, first.get(i).text()))
        .toList();
  }

  private static CompletionRecord of(Judged answers, int i, long step, int layer, String first) {
    QaRecord query = answers.queries().get(i);
    Sample sample = answers.samples().get(i);
    return new CompletionRecord(
        step,
        layer,
        query.query(),
        query.answer(),
        first,
        sample.text(),
        answers.reward(i),
        answers.isRight(i),
        sample.truncated());
  }
}
