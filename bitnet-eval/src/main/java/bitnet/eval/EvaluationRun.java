package bitnet.eval;

import bitnet.checkpoint.ModelLocation;
import bitnet.runtime.RuntimeSettings;
import bitnet.storage.ContentDigest;
import bitnet.training.OptionValues;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Evaluates models one after the other by the same records.
///
/// @param models where they are by their names, in the order in which they are evaluated
/// @param runtime how they are computed
public record EvaluationRun(Map<String, ModelLocation> models, RuntimeSettings runtime) {

  /// Hears how far a run is.
  public interface Progress {
    /// Some records were evaluated, or found in the samples file.
    ///
    /// @param model the model's name
    /// @param done records so far
    /// @param size all records
    void evaluated(String model, int done, int size);
  }

  /// Copies the map.
  ///
  /// @throws IllegalArgumentException if there is no model
  public EvaluationRun {
    models = new LinkedHashMap<>(models); // Map.copyOf would forget the order
    if (models.isEmpty()) {
      throw new IllegalArgumentException(
          "no model to evaluate; add --ce_model DIR, --grpo_model DIR or --model name=DIR");
    }
  }

  /// Evaluates every model by every record that is not in the samples file yet, in this process.
  ///
  /// @param samples gets every sample as soon as it is evaluated
  /// @throws IOException if a model cannot be opened or the samples cannot be written
  /// @throws IllegalArgumentException if the samples belong to another run
  public <S extends Sample> EvaluationReport evaluate(
      Evaluation<S> evaluation, SamplesFile<S> samples, Progress progress) throws IOException {
    return evaluate(evaluation, samples, progress, new LocalEvaluator());
  }

  /// The same, with the records evaluated elsewhere; the report does not depend on where.
  ///
  /// @param evaluator where
  /// @throws IOException also if a record cannot be evaluated there
  public <S extends Sample> EvaluationReport evaluate(
      Evaluation<S> evaluation,
      SamplesFile<S> samples,
      Progress progress,
      RecordEvaluator evaluator)
      throws IOException {
    List<ModelResult> results = new ArrayList<>();
    for (Map.Entry<String, ModelLocation> model : models.entrySet()) {
      try (EvaluatedModel opened = EvaluatedModel.open(model.getKey(), model.getValue(), runtime)) {
        results.add(evaluate(evaluation, opened, samples, progress, evaluator));
      }
    }
    return EvaluationReport.of(evaluation.task(), results);
  }

  /// What [Sample#run] of such samples is: equal texts are equal models, records and settings.
  public static String key(Evaluation<?> evaluation, EvaluatedModel model) throws IOException {
    return options(evaluation, model).text();
  }

  private static RunOptions options(Evaluation<?> evaluation, EvaluatedModel model)
      throws IOException {
    return new RunOptions(
        new OptionValues()
            .put("task", evaluation.task())
            .putAll(evaluation.options())
            .putAll(model.identity().options()));
  }

  private static <S extends Sample> ModelResult evaluate(
      Evaluation<S> evaluation,
      EvaluatedModel model,
      SamplesFile<S> samples,
      Progress progress,
      RecordEvaluator evaluator)
      throws IOException {
    RunOptions options = options(evaluation, model);
    int size = evaluation.size(model);
    List<S> all =
        new ArrayList<>(samples.of(model.name(), options, former(evaluation, model.identity())));
    progress.evaluated(model.name(), all.size(), size);
    if (all.size() < size) {
      evaluator.evaluate(
          evaluation,
          model,
          options.text(),
          all.size(),
          more -> {
            samples.add(more);
            all.addAll(more);
            progress.evaluated(model.name(), all.size(), size);
          });
    }
    return evaluation.summarize(model, all);
  }

  /// What samples of former versions hold in the place of options.
  private static Set<String> former(Evaluation<?> evaluation, EvaluatedModel.Identity identity)
      throws IOException {
    Set<String> digests = new HashSet<>();
    Optional<String> settings = evaluation.formerSettings();
    if (settings.isPresent()) {
      for (String model : identity.former()) {
        digests.add(digest(evaluation.task() + "\n" + settings.get() + "\n" + model));
      }
    }
    return digests;
  }

  private static String digest(String text) {
    return ContentDigest.of(text.getBytes(StandardCharsets.UTF_8));
  }
}
