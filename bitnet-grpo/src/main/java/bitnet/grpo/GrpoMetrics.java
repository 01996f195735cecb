package bitnet.grpo;

import bitnet.data.QaTemplate;
import bitnet.graph.TernaryStatistics;
import bitnet.metrics.LogColumns;
import bitnet.reward.WeightedReward;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/// The columns of a run's log, and the figures about a step's answers in them.
final class GrpoMetrics {
  static final String EVAL = "eval_";
  static final String SECOND = "layer2_";

  private static final List<String> ANSWERS =
      List.of("reward", "reward_std", "frac_reward_zero_std");
  private static final List<String> LENGTHS =
      List.of(
          "accuracy",
          "completion_length_mean",
          "completion_length_min",
          "completion_length_max",
          "clipped_ratio",
          "unfinished_ratio",
          "lucky_ratio",
          "rollout_batches",
          "num_tokens",
          "lr");
  private static final List<String> LEARNING =
      List.of(
          "loss",
          "grad_norm",
          "gradient_agreement",
          "kl",
          "step_kl",
          "entropy",
          "clip_ratio",
          "clip_ratio_low",
          "clip_ratio_high",
          "logp_mismatch");

  /// The share of first answers that are not corrected, as the prompt does not fit the context.
  static final String TOO_LONG = "prompt_too_long";

  private static final List<String> CORRECTION =
      List.of("t1", "t2", "delta_t1_t2", "incorrect_to_correct", "correct_to_incorrect", TOO_LONG);

  /// Texts: accepted corrections of a step.
  static final List<String> CORRECTED = numbered("corrected_", CorrectionSettings.SHOWN);

  private static final List<String> TERNARY = List.of("zero_share", "flip_rate");

  private GrpoMetrics() {}

  /// All columns after `step`.
  static LogColumns columns(List<String> rewards, Optional<CorrectionSettings> correction) {
    int accepted = correction.map(CorrectionSettings::corrections).orElse(0);
    Map<String, String> former = new HashMap<>();
    List<String> names = acceptedColumns(accepted);
    for (int n = 0; n < names.size(); n++) {
      former.put(names.get(n), CORRECTED.get(n));
    }
    return new LogColumns(
        metrics(rewards, correction), correction.isPresent() ? CORRECTED : List.of(), former);
  }

  private static List<String> metrics(
      List<String> rewards, Optional<CorrectionSettings> correction) {
    List<String> columns = new ArrayList<>(ANSWERS);
    columns.addAll(rewardColumns(rewards));
    columns.addAll(LENGTHS);
    columns.addAll(LEARNING);
    correction.ifPresent(
        settings -> {
          columns.addAll(CORRECTION);
          columns.add("t1_prime");
          columns.addAll(List.of("accepted_ratio", "buffer_size", "replay_age", SECOND + "reward"));
          columns.addAll(acceptedColumns(settings.corrections()));
          LEARNING.forEach(name -> columns.add(SECOND + name));
          columns.add(SECOND + "replay_drift");
        });
    columns.addAll(TERNARY);
    columns.add("step_time");
    Arrays.stream(StepTimes.Part.values()).map(StepTimes.Part::column).forEach(columns::add);
    columns.addAll(
        List.of(EVAL + "accuracy", EVAL + "reward", EVAL + "sampled", EVAL + "sampled_se"));
    if (correction.isPresent()) {
      CORRECTION.forEach(name -> columns.add(EVAL + name));
    }
    return List.copyOf(columns);
  }

  /// `reward/f1`; characters that cannot stand in a header are replaced.
  private static List<String> rewardColumns(List<String> rewards) {
    List<String> columns = new ArrayList<>();
    for (String reward : rewards) {
      String column = "reward/" + reward.replaceAll("[^A-Za-z0-9_./-]", "_");
      columns.add(columns.contains(column) ? column + "_" + (columns.size() + 1) : column);
    }
    return columns;
  }

  private static List<String> acceptedColumns(int corrections) {
    return numbered("accepted_ratio_", Math.min(corrections, CorrectionSettings.SHOWN));
  }

  private static List<String> numbered(String name, int count) {
    return IntStream.rangeClosed(1, count).mapToObj(n -> name + n).toList();
  }

  /// Adds the figures about first answers.
  static void putAnswers(
      SequencedMap<String, Double> row,
      ExperienceSampler.Experience experience,
      WeightedReward rewards) {
    List<Group> groups = experience.groups();
    double deviations = 0;
    int equal = 0;
    for (Group group : groups) {
      double deviation = GroupAdvantages.deviation(group.rewards());
      deviations += deviation / groups.size();
      equal += deviation == 0 ? 1 : 0;
    }
    List<Rollout> rollouts = rollouts(groups);
    row.put("reward", GroupAdvantages.mean(rewards(rollouts)));
    row.put("reward_std", deviations);
    row.put("frac_reward_zero_std", (double) equal / groups.size());
    List<String> names =
        rewardColumns(rewards.terms().stream().map(WeightedReward.Term::name).toList());
    for (int i = 0; i < names.size(); i++) {
      int term = i;
      row.put(
          names.get(i),
          rollouts.stream()
              .mapToDouble(rollout -> rollout.scored().outcomes()[term])
              .average()
              .orElse(0));
    }
    row.put("accuracy", accuracy(rollouts));
    var lengths = rollouts.stream().mapToInt(Rollout::length).summaryStatistics();
    row.put("completion_length_mean", lengths.getAverage());
    row.put("completion_length_min", (double) lengths.getMin());
    row.put("completion_length_max", (double) lengths.getMax());
    row.put("clipped_ratio", share(rollouts, Rollout::truncated));
    row.put("unfinished_ratio", share(rollouts, GrpoMetrics::isUnfinished));
    row.put("entropy", entropy(rollouts));
    row.put("rollout_batches", (double) experience.batches());
  }

  /// Whether a completion ends within its reasoning.
  private static boolean isUnfinished(Rollout rollout) {
    int begin = rollout.text().lastIndexOf(QaTemplate.THINK);
    return begin >= 0 && rollout.text().indexOf(QaTemplate.END_THINK, begin) < 0;
  }

  /// Entropy of the distributions that the tokens were sampled from, in nats, mean over all tokens.
  private static double entropy(List<Rollout> rollouts) {
    return rollouts.stream()
        .flatMapToDouble(rollout -> Arrays.stream(rollout.sampled().entropies()))
        .average()
        .orElse(0);
  }

  /// All rollouts of groups, in their order.
  static List<Rollout> rollouts(List<Group> groups) {
    return groups.stream().flatMap(group -> group.rollouts().stream()).toList();
  }

  static double[] rewards(List<Rollout> rollouts) {
    return rollouts.stream().mapToDouble(rollout -> rollout.scored().total()).toArray();
  }

  /// Share of the rollouts whose final answer is correct.
  static double accuracy(List<Rollout> rollouts) {
    return share(rollouts, rollout -> rollout.scored().correct());
  }

  private static double share(List<Rollout> rollouts, Predicate<Rollout> counts) {
    return rollouts.isEmpty()
        ? 0
        : (double) rollouts.stream().filter(counts).count() / rollouts.size();
  }

  /// Tokens of the completions of groups.
  static long tokens(List<Group> groups) {
    return rollouts(groups).stream().mapToLong(Rollout::length).sum();
  }

  /// Adds what the updates of a step did to the trits.
  static void putHealth(SequencedMap<String, Double> row, TernaryStatistics.Health health) {
    row.put("zero_share", health.zeroShare());
    row.put("flip_rate", health.flipRate());
  }

  /// Adds the figures about corrections.
  static void putCorrections(
      SequencedMap<String, Double> row, Corrections corrections, int perAnswer) {
    corrections.put(row, "");
    List<boolean[]> accepted = corrections.accepted();
    int firsts = accepted.size();
    long count = 0;
    for (boolean[] some : accepted) {
      for (boolean each : some) {
        count += each ? 1 : 0;
      }
    }
    row.put("accepted_ratio", (double) count / firsts / perAnswer);
    List<Rollout> second = rollouts(corrections.groups());
    if (!second.isEmpty()) {
      row.put(SECOND + "reward", GroupAdvantages.mean(rewards(second)));
      row.put(SECOND + "entropy", entropy(second));
    }
    List<String> names = acceptedColumns(perAnswer);
    for (int n = 0; n < names.size(); n++) {
      int index = n;
      row.put(
          names.get(n),
          (double) accepted.stream().filter(some -> some.length > index && some[index]).count()
              / firsts);
    }
  }
}
