package bitnet.grpo;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/// What the time of a step went to, in seconds.
final class StepTimes {
  private static final double NANOS = 1e9;

  /// The parts of a step.
  enum Part {
    /// Drawing answers.
    GENERATION,
    /// Scoring them.
    REWARD,
    /// The reference policy's log-probabilities.
    REFERENCE,
    /// Through the graph and the loss.
    FORWARD,
    /// Back through the graph.
    BACKWARD,
    /// New latent and ternary weights.
    OPTIMIZER,
    /// New weights of the runtime.
    REPACK;

    String column() {
      return name().toLowerCase(java.util.Locale.ROOT) + "_s";
    }
  }

  private final long begin = System.nanoTime();
  private final Map<Part, Double> seconds = new LinkedHashMap<>();

  /// Work that may fail with an exception of one kind.
  @FunctionalInterface
  interface Work<T, E extends Exception> {
    T run() throws E;
  }

  /// Does something and counts its time.
  <T, E extends Exception> T time(Part part, Work<T, E> work) throws E {
    long start = System.nanoTime();
    T result = work.run();
    add(part, (System.nanoTime() - start) / NANOS);
    return result;
  }

  /// Counts the time of completions, and hands them on.
  ScoredRollouts count(ScoredRollouts drawn) {
    add(Part.GENERATION, drawn.samplingSeconds());
    add(Part.REWARD, drawn.scoringSeconds());
    return drawn;
  }

  void add(Part part, double more) {
    seconds.merge(part, more, Double::sum);
  }

  double seconds(Part part) {
    return seconds.getOrDefault(part, 0.0);
  }

  /// All of it so far.
  double total() {
    return (System.nanoTime() - begin) / NANOS;
  }

  /// The columns of the log.
  SequencedMap<String, Double> row() {
    SequencedMap<String, Double> row = new LinkedHashMap<>();
    row.put("step_time", total());
    for (Part part : Part.values()) {
      row.put(part.column(), seconds(part));
    }
    return row;
  }
}
