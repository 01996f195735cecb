package bitnet.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/// The figures of answers. With a second try there are two of each, `_t1` and `_t2`; a record
/// with several attempts counts with their mean. pass@N is the share of records for which at least
/// one of N attempts is right: no way to choose that one is implied.
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
      stage("", AnswerSample::first);
    } else {
      stage(FIRST, AnswerSample::first);
      stage(SECOND, AnswerSample::second);
      change();
      compareStages(model);
    }
    note(model, "prompts did not fit its context: they count as wrong", AnswerSample::first);
    note(
        model, "corrections did not fit its context: the first answer stays", AnswerSample::second);
    return new ModelResult(model, metrics, compared, tests, notes);
  }

  private void stage(String suffix, Function<AnswerSample, List<ScoredCompletion>> attempts) {
    boolean several = settings.attempts() > 1;
    Series right =
        series(
            "final_answer" + suffix, !several, it -> mean(attempts.apply(it), AnswerSummary::hit));
    add(right);
    if (several) {
      add(
          series(
              "majority" + suffix, true, it -> MajorityVote.isRight(attempts.apply(it)) ? 1 : 0));
      show(
          series(
              "pass_at_%d%s".formatted(settings.attempts(), suffix),
              true,
              it -> attempts.apply(it).stream().anyMatch(ScoredCompletion::right) ? 1 : 0));
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
    boolean single = settings.attempts() == 1;
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
          .map(second -> PairedTest.of(model + " t1", first.named(name), model + " t2", second))
          .forEach(tests::add);
    }
  }

  private static double moved(AnswerSample sample, boolean fromRight) {
    int count = 0;
    for (int i = 0; i < sample.first().size(); i++) {
      boolean right = sample.second().get(i).right();
      count += sample.first().get(i).right() == fromRight && right != fromRight ? 1 : 0;
    }
    return (double) count / sample.first().size();
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
