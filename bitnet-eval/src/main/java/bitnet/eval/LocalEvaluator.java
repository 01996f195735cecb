package bitnet.eval;

import java.io.IOException;

/// Evaluates records in this process, one chunk after the other.
final class LocalEvaluator implements RecordEvaluator {

  @Override
  public <S extends Sample> void evaluate(
      Evaluation<S> evaluation,
      EvaluatedModel model,
      String run,
      int from,
      SampleListener<S> listener)
      throws IOException {
    int size = evaluation.size(model);
    for (int start = from; start < size; start += evaluation.chunk()) {
      int end = Math.min(size, start + evaluation.chunk());
      listener.evaluated(evaluation.evaluate(model, run, start, end));
    }
  }
}
