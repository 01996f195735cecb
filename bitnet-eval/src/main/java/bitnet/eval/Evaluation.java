package bitnet.eval;

import bitnet.training.OptionValues;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/// Something that models are evaluated by, record by record.
///
/// @param <S> what is kept of a record
public interface Evaluation<S extends Sample> {
  /// The name on the command line.
  String task();

  /// What is kept of a record.
  Class<S> sampleType();

  /// Everything that determines the result but the task and the model, by name: the settings,
  /// without those that only change the speed, and digests of the records.
  OptionValues options() throws IOException;

  /// The same as one text, of which samples of version 0.1.0 hold a digest; empty if such samples
  /// cannot be continued.
  Optional<String> formerSettings() throws IOException;

  /// How many records a model has to go through.
  ///
  /// @throws IllegalArgumentException if the model cannot be evaluated by this
  int size(EvaluatedModel model) throws IOException;

  /// How many records are evaluated at once; the result does not depend on it.
  int chunk();

  /// Evaluates some records.
  ///
  /// @param run goes into the samples
  /// @param from the first record, counted from 0
  /// @param to the record after the last
  /// @return one per record, in their order
  List<S> evaluate(EvaluatedModel model, String run, int from, int to) throws IOException;

  /// Sums up a model's samples.
  ///
  /// @param samples of all records, in their order
  ModelResult summarize(EvaluatedModel model, List<S> samples) throws IOException;
}
