package bitnet.eval;

import java.util.List;

/// What was found about a model.
///
/// @param model its name
/// @param metrics the figures
/// @param compared what is compared with other models, a value a record
/// @param tests what differs within the model, from its first answers to its corrections
/// @param notes what a reader of the figures has to know, whole sentences
record ModelResult(
    String model,
    List<Metric> metrics,
    List<Series> compared,
    List<PairedTest> tests,
    List<String> notes) {

  ModelResult {
    metrics = List.copyOf(metrics);
    compared = List.copyOf(compared);
    tests = List.copyOf(tests);
    notes = List.copyOf(notes);
  }
}
