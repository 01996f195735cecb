package bitnet.grpo;

import bitnet.metrics.TrainingReport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/// What a run said. Its times are left out, so that two runs can be compared.
final class Heard implements GrpoListener {
  final List<Map<String, Double>> rows = new ArrayList<>();
  final List<CompletionRecord> answers = new ArrayList<>();
  final List<TrainingReport> started = new ArrayList<>();
  final List<String> noticed = new ArrayList<>();
  private final LongConsumer afterStep;

  Heard() {
    this(step -> {});
  }

  /// @param afterStep is called with the number of steps done
  Heard(LongConsumer afterStep) {
    this.afterStep = afterStep;
  }

  @Override
  public void drew(List<CompletionRecord> some) {
    answers.addAll(some);
  }

  @Override
  public void started(TrainingReport report) {
    started.add(report);
  }

  @Override
  public void stepped(TrainingReport report) {
    Map<String, Double> row = new LinkedHashMap<>(report.row());
    row.keySet().removeIf(name -> name.endsWith("_s") || name.equals("step_time"));
    rows.add(row);
    afterStep.accept(report.step());
  }

  @Override
  public void noticed(String line) {
    noticed.add(line);
  }

  @Override
  public void skipped(long step, String reason) {
    throw new AssertionError(reason);
  }

  @Override
  public void saved(Path checkpoint) {}

  double mean(String name, int from, int to) {
    return rows.subList(from, to).stream().mapToDouble(row -> row.get(name)).average().orElse(0);
  }

  /// A column; NaN where a step has no value.
  List<Double> column(String name) {
    return rows.stream().map(row -> row.getOrDefault(name, Double.NaN)).toList();
  }

  /// The answers of a step.
  ///
  /// @param layer 1, or 2 for corrections
  List<CompletionRecord> answers(long step, int layer) {
    return answers.stream()
        .filter(answer -> answer.step() == step && answer.layer() == layer)
        .toList();
  }
}
