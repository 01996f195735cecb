package bitnet.reward;

import java.util.List;
import java.util.Optional;

/// 1 if the final answer of a completion is the reference, else 0.
///
/// **Where the answer is.** A reasoning that was begun with `<think>` and not ended has no answer.
/// Otherwise the answer is looked for after the last `</think>`: the content of the last
/// `\boxed{...}` or `\fbox{...}`; else what follows the last `####`; else what follows the last
/// `Answer:` or "answer is", on its line or the next that is not empty; else the whole, if it is
/// the reference; else the last number or expression. The reference may be marked in the same ways;
/// unmarked it is taken as a whole.
///
/// **How it is compared.** By value, exactly where the value is rational: 0.5 = .50 = 1/2 =
/// `\frac{1}{2}` = 5e-1, 1,000 = 1000, `1 1/2` = 1.5, but 0.33 is not 1/3. Other expressions are
/// equal if they have the same values at several points: `2\sqrt3` = `\sqrt{12}`, `x(x+1)` =
/// `x^2+x`. A sum or product of numbers that is left to be computed is not its result: the answer
/// to `12+34` is not `12+34`.
///
/// - Units and counted nouns after a number may be missing on either side; different units differ.
/// - A percent sign may mean hundredths or be a unit, as graders differ: 50% is 0.5 and it is 50.
/// - The left side of `x = 5` may be missing; of `9 \times 2 = 18` the last side counts.
/// - Lists and sets may be in any order; tuples, intervals, ratios and matrices have one.
/// - Everything else is compared as text, without white space, case, a full stop at the end and
///   LaTeX that only sets it (`\left`, `\text`, `\,`).
public final class FinalAnswer implements Reward {

  /// The reward; it has no settings.
  public FinalAnswer() {}

  @Override
  public RewardScore score(String query, String reference, String completion) {
    return RewardScore.of(isRight(reference, completion) ? 1 : 0);
  }

  /// Whether a completion ends in the right answer.
  public static boolean isRight(String reference, String completion) {
    String wanted = AnswerText.of(reference);
    AnswerValue right = AnswerReader.read(AnswerExtraction.marked(wanted).orElse(wanted));
    return AnswerExtraction.candidates(AnswerText.of(completion)).stream()
        .anyMatch(candidate -> agrees(right, AnswerReader.read(candidate)));
  }

  /// Whether two answers, without anything around them, are the same; symmetric.
  public static boolean isSame(String one, String other) {
    return agrees(AnswerReader.read(one), AnswerReader.read(other));
  }

  static boolean agrees(AnswerValue one, AnswerValue other) {
    return one.isSameAs(other)
        || AnswerValue.isChoiceOf(one, other)
        || AnswerValue.isChoiceOf(other, one);
  }

  /// The final answer of a completion, as it stands there; empty if it has none.
  public static Optional<String> of(String completion) {
    List<String> candidates = AnswerExtraction.candidates(AnswerText.of(completion));
    return candidates.stream()
        .filter(candidate -> AnswerReader.read(candidate).isMathematical())
        .findFirst()
        .or(() -> candidates.stream().findFirst())
        .filter(answer -> !answer.isBlank());
  }
}
