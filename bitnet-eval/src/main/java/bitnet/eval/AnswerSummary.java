package bitnet.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/// The figures of answers. With a second try there are two of each, `_t1` and `_t2`; a record
/// with several attempts counts with their mean. pass@k is the share of records for which at least
/// one of k attempts is right, without a way to choose it; see [#passAt].
final class AnswerSummary {
  private static final String FIRST = "_t1";
  private static final String SECOND = "_t2";

  private final List<AnswerSample> samples;
  private final AnswerSettings settings;
  private final long seed;
  private final List<Metric> metrics = new ArrayList<>();
  private final List<Series> compared = new ArrayList<>();
  private final List<PairedTest> tests = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  /// @param seed of the intervals
  AnswerSummary(List<AnswerSample> samples, AnswerSettings settings, long seed) {
    this.samples = samples;
    this.settings = settings;
    this.seed = seed;
  }

  ModelResult of(String model) {
    if (settings.correction().isEmpty()) {
      stage("", settings.samples(), AnswerSample::first);
    } else {
      stage(FIRST, settings.samples(), AnswerSample::first);
      stage(SECOND, settings.secondAnswers(), AnswerSample::second);
      change();
      compareStages(model);
    }
    note(model, "prompts did not fit its context: they count as wrong", AnswerSample::first);
    note(
        model, "corrections did not fit its context: the first answer stays", AnswerSample::second);
    return new ModelResult(model, metrics, compared, tests, notes);
  }

  /// @param count attempts of a record
  private void stage(
      String suffix, int count, Function<AnswerSample, List<ScoredCompletion>> attempts) {
    boolean several = count > 1;
    Series right =
        series(
            "final_answer" + suffix, !several, it -> mean(attempts.apply(it), AnswerSummary::hit));
    add(right);
    if (several) {
      add(
          series(
              "majority" + suffix, true, it -> MajorityVote.isRight(attempts.apply(it)) ? 1 : 0));
      for (int k = 2; k < 2 * count; k *= 2) {
        int drawn = Math.min(k, count);
        show(
            series(
                "pass_at_%d%s".formatted(drawn, suffix),
                drawn == count,
                it -> passAt(drawn, attempts.apply(it))));
      }
    }
    add(series("f1" + suffix, false, it -> mean(attempts.apply(it), ScoredCompletion::f1)));
    if (settings.reasoning()) {
      reasoning(suffix, attempts);
    }
    List<ScoredCompletion> all = samples.stream().map(attempts).flatMap(List::stream).toList();
    metrics.add(Metric.of("tokens" + suffix, mean(all, ScoredCompletion::tokens), samples.size()));
    show(
        series(
            "cut_off" + suffix,
            !several,
            it ->
                mean(
                    attempts.apply(it),
                    each -> each.finish().equals(ScoredCompletion.CUT) ? 1 : 0)));
  }

  /// The probability that of k attempts, drawn from all n without replacement, at least one is
  /// right: 1 - C(n - c, k) / C(n, k) where c are right (Chen et al. 2021, arXiv 2107.03374, eq.
  /// 1). For k = n it is whether any is right.
  static double passAt(int k, List<ScoredCompletion> attempts) {
    int count = attempts.size();
    long right = attempts.stream().filter(ScoredCompletion::right).count();
    double none = 1;
    for (long i = count - right + 1; i <= count; i++) {
      none *= Math.max(0, 1 - (double) k / i);
    }
    return 1 - none;
  }

  /// Of the records that have a reasoning to compare with.
  private void reasoning(String suffix, Function<AnswerSample, List<ScoredCompletion>> attempts) {
    List<List<ScoredCompletion>> reasoned =
        samples.stream().map(attempts).filter(group -> group.getFirst().thinkF1() != null).toList();
    if (!reasoned.isEmpty()) {
      add(
          new Series(
              "think_f1" + suffix,
              means(reasoned, it -> Objects.requireNonNull(it.thinkF1())),
              false));
      add(
          new Series(
              "step_correctness" + suffix,
              means(reasoned, it -> Objects.requireNonNull(it.stepCorrectness())),
              false));
    }
  }

  /// What the second try changed, as shares of all answers: delta is right second less right
  /// first tries, and the difference of the other two.
  private void change() {
    double[] rise =
        samples.stream()
            .mapToDouble(
                it -> mean(it.second(), AnswerSummary::hit) - mean(it.first(), AnswerSummary::hit))
            .toArray();
    add(new Series("delta", rise, false, -1));
    boolean single = settings.secondAnswers() == 1;
    show(series("incorrect_to_correct", single, it -> moved(it, false)));
    show(series("correct_to_incorrect", single, it -> moved(it, true)));
  }

  /// Whether the second tries differ from the first by more than chance explains.
  private void compareStages(String model) {
    for (Series first : List.copyOf(compared)) {
      if (!first.name().endsWith(FIRST)) {
        continue;
      }
      String name = first.name().substring(0, first.name().length() - FIRST.length());
      compared.stream()
          .filter(series -> series.name().equals(name + SECOND))
          .map(second -> compared(model, first.named(name), second.named(name)))
          .forEach(tests::add);
    }
  }

  /// With one first answer and several corrections a share of records meets a mean.
  private static PairedTest compared(String model, Series first, Series second) {
    boolean alike = first.binary() == second.binary();
    return PairedTest.of(
        model + " t1",
        alike ? first : first.asQuantities(),
        model + " t2",
        alike ? second : second.asQuantities());
  }

  private static double moved(AnswerSample sample, boolean fromRight) {
    int each = sample.second().size() / sample.first().size();
    int count = 0;
    for (int i = 0; i < sample.second().size(); i++) {
      boolean before = sample.first().get(i / each).right();
      boolean after = sample.second().get(i).right();
      count += before == fromRight && after != fromRight ? 1 : 0;
    }
    return (double) count / sample.second().size();
  }

  private void note(
      String model, String text, Function<AnswerSample, List<ScoredCompletion>> attempts) {
    Predicate<ScoredCompletion> unread = it -> it.finish().equals(ScoredCompletion.TOO_LONG);
    long count = samples.stream().map(attempts).flatMap(List::stream).filter(unread).count();
    if (count > 0) {
      notes.add("%s: %d %s.".formatted(model, count, text));
    }
  }

  private void show(Series series) {
    metrics.add(Metric.mean(series, seed));
  }

  private void add(Series series) {
    show(series);
    compared.add(series);
  }

  private Series series(String name, boolean binary, ToDoubleFunction<AnswerSample> value) {
    return new Series(name, samples.stream().mapToDouble(value).toArray(), binary);
  }

  private static double hit(ScoredCompletion attempt) {
    return attempt.right() ? 1 : 0;
  }

  private static double[] means(
      List<List<ScoredCompletion>> groups, ToDoubleFunction<ScoredCompletion> value) {
    return groups.stream().mapToDouble(group -> mean(group, value)).toArray();
  }

  private static double mean(
      List<ScoredCompletion> attempts, ToDoubleFunction<ScoredCompletion> value) {
    return attempts.stream().mapToDouble(value).average().orElse(Double.NaN);
  }
}
