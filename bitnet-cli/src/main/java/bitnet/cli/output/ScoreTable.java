package bitnet.cli.output;

import bitnet.eval.Interval;
import bitnet.eval.Metric;
import bitnet.eval.ScoreSummary;
import bitnet.eval.ScoredRecord;
import java.util.List;
import java.util.Locale;

/// Scored completions for people: a row a record, then the figures of all.
public final class ScoreTable {
  private static final int ANSWER_WIDTH = 20;
  private static final int COMPLETION_WIDTH = 40;

  private ScoreTable() {}

  /// The table.
  ///
  /// @param reward the name of the reward
  /// @param records at least one
  /// @param rows the most records that are shown
  public static String of(String reward, List<ScoredRecord> records, int rows) {
    StringBuilder text = new StringBuilder();
    if (rows > 0) {
      text.append(row("record", "score", "answer", "extracted", "completion"));
      for (int i = 0; i < Math.min(rows, records.size()); i++) {
        ScoredRecord record = records.get(i);
        text.append(
            row(
                "" + (i + 1),
                String.format(Locale.ROOT, "%.4f", record.score()),
                shortened(record.record().answer(), ANSWER_WIDTH),
                shortened(record.extracted().orElse("-"), ANSWER_WIDTH),
                shortened(record.record().completion(), COMPLETION_WIDTH)));
      }
      if (records.size() > rows) {
        text.append("%,d more; --rows shows more, --json all%n".formatted(records.size() - rows));
      }
      text.append('\n');
    }
    ScoreSummary summary = ScoreSummary.of(records);
    text.append("reward    ").append(reward).append('\n');
    text.append(figure("score", summary.score()))
        .append(
            String.format(
                Locale.ROOT, "  lowest %.4f, highest %.4f%n", summary.lowest(), summary.highest()));
    text.append(figure("right", summary.right())).append('\n');
    text.append(figure("answered", summary.answered())).append('\n');
    return text.toString();
  }

  private static String row(
      String record, String score, String answer, String extracted, String completion) {
    String line =
        "%6s  %8s  %-20s  %-20s  %s".formatted(record, score, answer, extracted, completion);
    return line.stripTrailing() + "\n";
  }

  private static String figure(String name, Metric metric) {
    Interval interval = metric.interval();
    return interval == null
        ? ""
        : String.format(
            Locale.ROOT,
            "%-8s  %.4f [%.4f, %.4f]",
            name,
            metric.value(),
            interval.low(),
            interval.high());
  }

  /// On one line, without control characters; the end of a long text is the part that is kept,
  /// since the answer is there.
  private static String shortened(String text, int width) {
    String line = text.strip().replaceAll("[\\p{Cntrl}\\s]+", " ");
    return line.length() <= width ? line : "…" + line.substring(line.length() - width + 1);
  }
}
