package bitnet.spark;

import bitnet.checkpoint.ModelLocation;
import bitnet.eval.EvaluatedModel;
import bitnet.eval.Evaluation;
import bitnet.eval.EvaluationRun;
import bitnet.eval.RecordEvaluator;
import bitnet.eval.Sample;
import bitnet.eval.SamplesFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;

/// Evaluates records on executors, a task for every few of them, and says what that cost.
final class SparkEvaluator implements RecordEvaluator {
  private final Cluster cluster;
  private final EvaluationRun run;
  private final ArrayList<String> arguments;
  private final OptionalInt recordsPerTask;
  private final Map<String, Double> computingSeconds = new HashMap<>();
  private double seconds;
  private int tasks;

  /// @param arguments of the command, for executors
  /// @param recordsPerTask empty for as many as the evaluation computes at once
  SparkEvaluator(
      Cluster cluster, EvaluationRun run, List<String> arguments, OptionalInt recordsPerTask) {
    this.cluster = cluster;
    this.run = run;
    this.arguments = new ArrayList<>(arguments);
    this.recordsPerTask = recordsPerTask;
  }

  @Override
  public <S extends Sample> void evaluate(
      Evaluation<S> evaluation,
      EvaluatedModel model,
      String key,
      int from,
      SampleListener<S> listener)
      throws IOException {
    int size = evaluation.size(model);
    int records = recordsPerTask.orElse(evaluation.chunk());
    ModelLocation location = Objects.requireNonNull(run.models().get(model.name()));
    String path = location.model().toAbsolutePath().toString();
    String adapter = location.adapter().map(each -> each.toAbsolutePath().toString()).orElse("");
    List<EvaluationTask> work = new ArrayList<>();
    for (int start = from; start < size; start += records) {
      int end = Math.min(size, start + records);
      work.add(new EvaluationTask(arguments, model.name(), path, adapter, key, start, end));
    }
    long began = System.nanoTime();
    // a master in this JVM finds the driver's model instead of loading it once more
    try (ExecutorModels.Shared _ = ExecutorModels.share(key, evaluation, model)) {
      cluster.run(
          work,
          result -> {
            List<S> samples = new ArrayList<>();
            for (String line : result.lines()) {
              samples.add(SamplesFile.sample(line, evaluation.sampleType()));
            }
            computingSeconds.merge(result.executor(), result.seconds(), Double::sum);
            listener.evaluated(samples);
          });
    }
    seconds += (System.nanoTime() - began) / 1e9;
    tasks += work.size();
  }

  /// What the cluster cost: the seconds that passed, and the share of them in which a model was
  /// computed. What is missing from 100% is scheduling, loading and waiting.
  String summary() {
    double computing = computingSeconds.values().stream().mapToDouble(Double::doubleValue).sum();
    int executors = Math.max(1, computingSeconds.size());
    return String.format(
        Locale.ROOT,
        "spark: %d tasks on %d executor%s, start-up %.1f s, tasks %.1f s, of which the model"
            + " computed %.1f%%",
        tasks,
        executors,
        executors == 1 ? "" : "s",
        cluster.startUp().toMillis() / 1e3,
        seconds,
        seconds == 0 ? 0 : 100 * computing / (seconds * executors));
  }
}
