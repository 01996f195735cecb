package bitnet.reward;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// A sum of rewards, each with its weight.
///
/// The outcome is the weighted sum of the outcomes. The parts are those of the dense rewards,
/// weighted; a reward that scores the whole has none, so who spreads scores over parts asks for
/// [#scores] and gives each reward its own treatment.
public final class WeightedReward implements Reward {

  /// One summand.
  ///
  /// @param name for logs
  /// @param weight any finite number
  public record Term(String name, Reward reward, double weight) {

    /// Checks the weight.
    ///
    /// @throws IllegalArgumentException if it is not a finite number
    public Term {
      if (!Double.isFinite(weight)) {
        throw new IllegalArgumentException(
            "the weight %s of %s is not a finite number; use one like 0.5".formatted(weight, name));
      }
    }
  }

  private final List<Term> terms;

  /// @throws IllegalArgumentException if there is no term
  public WeightedReward(List<Term> terms) {
    if (terms.isEmpty()) {
      throw new IllegalArgumentException("no rewards; give at least one");
    }
    this.terms = List.copyOf(terms);
  }

  /// The summands, in the order given.
  public List<Term> terms() {
    return terms;
  }

  /// The scores of every reward, unweighted, in the order of [#terms].
  public List<RewardScore> scores(String query, String reference, String completion) {
    return terms.stream().map(term -> term.reward().score(query, reference, completion)).toList();
  }

  @Override
  public RewardScore score(String query, String reference, String completion) {
    return weigh(scores(query, reference, completion));
  }

  /// The weighted sum of scores that [#scores] gave.
  public RewardScore weigh(List<RewardScore> scores) {
    double outcome = 0;
    List<RewardScore.Part> parts = new ArrayList<>();
    for (int i = 0; i < terms.size(); i++) {
      double weight = terms.get(i).weight();
      outcome += weight * scores.get(i).outcome();
      for (RewardScore.Part part : scores.get(i).parts()) {
        parts.add(new RewardScore.Part(part.end(), weight * part.score()));
      }
    }
    parts.sort(Comparator.comparingInt(RewardScore.Part::end));
    return new RewardScore(outcome, parts);
  }

  @Override
  public void close() {
    terms.forEach(term -> term.reward().close());
  }
}
