package bitnet.eval;

import java.io.IOException;
import java.util.List;

/// Where the records of an evaluation are evaluated: in this process, or on other machines. The
/// samples are the same.
public interface RecordEvaluator {

  /// Hears of samples as they are finished.
  ///
  /// @param <S> the kind of samples
  @FunctionalInterface
  interface SampleListener<S extends Sample> {
    /// Some records were evaluated.
    ///
    /// @param more the samples of the records that follow those before, in their order
    void evaluated(List<S> more) throws IOException;
  }

  /// Evaluates all records from one on.
  ///
  /// @param run goes into the samples
  /// @param from the first record, counted from 0; there is one
  /// @param listener hears of every sample, on the calling thread
  <S extends Sample> void evaluate(
      Evaluation<S> evaluation,
      EvaluatedModel model,
      String run,
      int from,
      SampleListener<S> listener)
      throws IOException;
}
