package bitnet.grpo;

import bitnet.metrics.TrainingReport;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;

/// What a GRPO trainer says about a step.
///
/// @param step steps done, this one included
/// @param steps steps of the whole run
/// @param row the metrics that this step has
/// @param texts corrections of this step, by the names of their columns
/// @param sent what [RolloutSource#sent] says
public record GrpoReport(
    long step, long steps, SequencedMap<String, Double> row, Map<String, String> texts, String sent)
    implements TrainingReport {

  /// Copies the maps.
  public GrpoReport {
    row = new LinkedHashMap<>(row);
    texts = Map.copyOf(texts);
  }

  private double get(String name) {
    return row.getOrDefault(name, 0.0);
  }

  @Override
  public String line() {
    StringBuilder line = new StringBuilder();
    line.append("step %d/%d  %s".formatted(step, steps, brief()));
    append(line, "  length %.1f", "completion_length_mean");
    append(line, "  entropy %.3f", "entropy");
    append(line, "  kl %.4f", "kl");
    append(line, "  step_kl %.3f", "step_kl");
    append(line, "  agreement %.2f", "gradient_agreement");
    append(line, "  grad %.3f", "grad_norm");
    append(line, "  mismatch %.1e", "logp_mismatch");
    append(line, "  t2 %.3f", "t2");
    append(line, "  t1' %.3f", "t1_prime");
    line.append(
        String.format(
            Locale.ROOT,
            "  %.2f s (rollouts %.2f, update %.2f)",
            get("step_time"),
            get(StepTimes.Part.GENERATION.column()),
            get(StepTimes.Part.FORWARD.column())
                + get(StepTimes.Part.BACKWARD.column())
                + get(StepTimes.Part.OPTIMIZER.column())));
    if (!sent.isEmpty()) {
      line.append("  ").append(sent);
    }
    if (isNotable()) {
      line.append("  ").append(heldOut(row));
    }
    return line.toString();
  }

  private void append(StringBuilder line, String format, String name) {
    Double value = row.get(name);
    if (value != null) {
      line.append(String.format(Locale.ROOT, format, value));
    }
  }

  /// What was measured on held-out questions, for people.
  static String heldOut(SequencedMap<String, Double> row) {
    String text =
        String.format(
            Locale.ROOT,
            "held-out accuracy %.1f%%",
            100 * row.getOrDefault(GrpoMetrics.EVAL + "accuracy", 0.0));
    Double sampled = row.get(GrpoMetrics.EVAL + "sampled");
    if (sampled != null) {
      text +=
          String.format(
              Locale.ROOT,
              ", sampled %.1f%% ± %.1f",
              100 * sampled,
              200 * row.getOrDefault(GrpoMetrics.EVAL + "sampled_se", 0.0));
    }
    Double second = row.get(GrpoMetrics.EVAL + "t2");
    if (second == null) {
      return text;
    }
    return text
        + String.format(
            Locale.ROOT,
            ", corrected %.1f%% (incorrect→correct %.1f%%, correct→incorrect %.1f%%)",
            100 * second,
            100 * row.getOrDefault(GrpoMetrics.EVAL + "incorrect_to_correct", 0.0),
            100 * row.getOrDefault(GrpoMetrics.EVAL + "correct_to_incorrect", 0.0));
  }

  @Override
  public String brief() {
    return String.format(
        Locale.ROOT,
        "reward %.3f ± %.3f  accuracy %.3f",
        get("reward"),
        get("reward_std"),
        get("accuracy"));
  }

  @Override
  public boolean isNotable() {
    return row.containsKey(GrpoMetrics.EVAL + "accuracy");
  }
}
