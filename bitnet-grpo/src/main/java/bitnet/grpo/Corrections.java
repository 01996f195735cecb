package bitnet.grpo;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// The corrections of a step.
///
/// @param groups one for each first answer: its corrections, scored; none if the prompt for them
///     does
///     not fit the model's context
/// @param accepted for each of them, by the verifier
record Corrections(List<Group> groups, List<boolean[]> accepted) {

  /// Hears of a first answer, a correction of it, and whether that is accepted.
  @FunctionalInterface
  interface Visitor {
    void visit(Rollout first, Rollout second, boolean accepted);
  }

  static Corrections of(List<Group> groups, Verifier verifier) {
    List<boolean[]> accepted = new ArrayList<>();
    for (Group group : groups) {
      boolean[] some = new boolean[group.rollouts().size()];
      for (int i = 0; i < some.length; i++) {
        some[i] = verifier.accepts(correction(group, group.rollouts().get(i)));
      }
      accepted.add(some);
    }
    return new Corrections(groups, accepted);
  }

  /// The same corrections after another stage.
  Corrections with(List<Group> others) {
    return new Corrections(others, accepted);
  }

  private static Verifier.Correction correction(Group group, Rollout second) {
    Rollout first = first(group);
    return new Verifier.Correction(
        group.query(),
        group.reference(),
        first.text(),
        second.text(),
        first.scored().total(),
        second.scored().total());
  }

  /// The first answer of a group of corrections.
  static Rollout first(Group group) {
    return Objects.requireNonNull(group.corrected(), "a group of the second layer");
  }

  void forEach(Visitor visitor) {
    for (int i = 0; i < groups.size(); i++) {
      Group group = groups.get(i);
      for (int j = 0; j < group.rollouts().size(); j++) {
        visitor.visit(first(group), group.rollouts().get(j), accepted.get(i)[j]);
      }
    }
  }

  /// The first accepted corrections of the step, `corrected_1` and on; none where none was
  /// accepted.
  Map<String, String> texts() {
    List<String> texts = new ArrayList<>();
    forEach(
        (first, second, accepted) -> {
          if (accepted) {
            texts.add(second.text());
          }
        });
    List<String> columns = GrpoMetrics.CORRECTED;
    return IntStream.range(0, Math.min(columns.size(), texts.size()))
        .boxed()
        .collect(Collectors.toMap(columns::get, texts::get));
  }

  /// Tokens of all corrections.
  long tokens() {
    return GrpoMetrics.tokens(groups);
  }

  /// Adds the accuracy before and after, and what changed. A first answer that is not corrected
  /// stands, as it does in evaluations.
  void put(SequencedMap<String, Double> row, String prefix) {
    long[] counts = new long[5]; // all, first correct, second correct, and both ways between
    forEach(
        (first, second, ignored) -> {
          boolean before = first.scored().correct();
          boolean after = second.scored().correct();
          counts[0]++;
          counts[1] += before ? 1 : 0;
          counts[2] += after ? 1 : 0;
          counts[3] += !before && after ? 1 : 0;
          counts[4] += before && !after ? 1 : 0;
        });
    int each = groups.stream().mapToInt(group -> group.rollouts().size()).max().orElse(0);
    List<Group> tooLong = groups.stream().filter(group -> group.rollouts().isEmpty()).toList();
    for (Group group : tooLong) {
      int weight = Math.max(1, each);
      counts[0] += weight;
      counts[1] += first(group).scored().correct() ? weight : 0;
      counts[2] += first(group).scored().correct() ? weight : 0;
    }
    double all = Math.max(1, counts[0]);
    row.put(prefix + "t1", counts[1] / all);
    row.put(prefix + "t2", counts[2] / all);
    row.put(prefix + "delta_t1_t2", counts[2] / all - counts[1] / all);
    row.put(prefix + "incorrect_to_correct", counts[3] / all);
    row.put(prefix + "correct_to_incorrect", counts[4] / all);
    row.put(prefix + GrpoMetrics.TOO_LONG, (double) tooLong.size() / Math.max(1, groups.size()));
  }
}
