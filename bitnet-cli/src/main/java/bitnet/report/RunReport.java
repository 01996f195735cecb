package bitnet.report;

import bitnet.grpo.CompletionRecord;
import bitnet.metrics.MetricsTable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/// What `bitnet report` writes: the metrics of one run, or of two side by side, over their
/// steps, and some answers.
///
/// @param runs one or two
public record RunReport(List<TrainingRun> runs) {
  private static final int ANSWERS = 24;

  /// What the table at the top has of every run.
  private static final List<Figure> FIGURES =
      List.of(
          new Figure("loss, smoothed", "smoothed_loss", false),
          new Figure("loss, held out", "eval_loss", false),
          new Figure("reward, smoothed", "reward", true),
          new Figure("accuracy, smoothed", "accuracy", true),
          new Figure("reward, held out", "eval_reward", true),
          new Figure("accuracy, held out", "eval_accuracy", true),
          new Figure("corrected, held out", "eval_t2", true));

  /// A figure of that table.
  ///
  /// @param name in the table
  /// @param metric the column
  /// @param more whether more is better
  private record Figure(String name, String metric, boolean more) {

    List<MetricsTable.Point> points(TrainingRun run) {
      List<MetricsTable.Point> points = run.metrics().points(metric);
      if (metric.equals("reward") || metric.equals("accuracy")) {
        // what a few answers say is noise: held-out questions say more, where there are any
        return run.metrics().points("eval_" + metric).isEmpty()
            ? Curve.smoothed(points)
            : List.of();
      }
      return points;
    }
  }

  /// Copies the list.
  ///
  /// @throws IllegalArgumentException if there are not one or two runs
  public RunReport {
    runs = List.copyOf(runs);
    if (runs.isEmpty() || runs.size() > 2) {
      throw new IllegalArgumentException(
          "a report shows 1 or 2 runs, not %d; make several reports".formatted(runs.size()));
    }
  }

  /// The page.
  public String html() {
    StringBuilder body = new StringBuilder();
    body.append("<p>");
    for (int run = 0; run < runs.size(); run++) {
      TrainingRun each = runs.get(run);
      body.append(run == 0 ? "" : "<br>").append(name(run));
      body.append(
          String.format(
              Locale.ROOT,
              "%s: %s, %,d steps",
              path(run),
              each.isGrpo() ? "train-grpo" : "train-ce",
              each.steps()));
    }
    body.append("</p>\n").append(table()).append("<h2>Over the steps</h2>\n");
    List<String> absent = new ArrayList<>();
    body.append("<div class=\"plots\">\n");
    for (Plot plot : Plot.ALL) {
      List<Curve> curves = curves(plot);
      if (curves.isEmpty() && runs.stream().anyMatch(plot.kind()::includes)) {
        absent.add(plot.title());
      } else if (!curves.isEmpty()) {
        body.append(new LineChart(plot.title(), plot.caption(), curves).html());
      }
    }
    body.append("</div>\n").append(notes(absent));
    for (int run = 0; run < runs.size(); run++) {
      body.append(answers(run));
    }
    return HtmlPage.of(title(), body);
  }

  private String title() {
    return String.join(" and ", IntStream.range(0, runs.size()).mapToObj(this::label).toList());
  }

  /// Where a run is, unless its name says it.
  private String path(int run) {
    String path = runs.get(run).path().toString();
    return path.equals(label(run)) ? "" : " (" + HtmlPage.escape(path) + ")";
  }

  /// The shortest name that is not the other run's, as plain text.
  private String label(int run) {
    List<Path> names = runs.stream().map(each -> last(each.path())).distinct().toList();
    return (names.size() < runs.size() ? runs.get(run).path() : last(runs.get(run).path()))
        .toString();
  }

  private static Path last(Path path) {
    Path name = path.toAbsolutePath().normalize().getFileName();
    return name == null ? path : name;
  }

  /// The name of a run in its colour.
  private String name(int run) {
    return "<strong class=\"%s\">%s</strong>"
        .formatted(LineChart.colour(run), HtmlPage.escape(label(run)));
  }

  private List<Curve> curves(Plot plot) {
    List<Curve> curves = new ArrayList<>();
    for (int run = 0; run < runs.size(); run++) {
      TrainingRun each = runs.get(run);
      if (plot.kind().includes(each)) {
        for (Plot.Source source : plot.sources()) {
          List<MetricsTable.Point> points = source.points(each);
          if (!points.isEmpty()) {
            curves.add(new Curve(run, label(run), source.label(), source.look(), points));
          }
        }
      }
    }
    return curves;
  }

  private String table() {
    StringBuilder table = new StringBuilder();
    table.append("<div class=\"scroll\"><table>\n<tr><th></th>");
    table.append(runs.size() == 1 ? "" : "<th>run</th>");
    table.append("<th>first</th><th>last</th><th>best</th><th>at step</th></tr>\n");
    for (Figure figure : FIGURES) {
      for (int run = 0; run < runs.size(); run++) {
        List<MetricsTable.Point> points = figure.points(runs.get(run));
        if (!points.isEmpty()) {
          table.append(row(figure, run, points));
        }
      }
    }
    return table.append("</table></div>\n").toString();
  }

  private String row(Figure figure, int run, List<MetricsTable.Point> points) {
    ToDoubleFunction<MetricsTable.Point> merit =
        point -> figure.more ? point.value() : -point.value();
    MetricsTable.Point best = points.getFirst();
    for (MetricsTable.Point point : points) {
      best = merit.applyAsDouble(point) > merit.applyAsDouble(best) ? point : best;
    }
    StringBuilder row =
        new StringBuilder("<tr><td class=\"name\">").append(figure.name).append("</td>");
    row.append(runs.size() == 1 ? "" : "<td class=\"name\">" + name(run) + "</td>");
    for (MetricsTable.Point point : List.of(points.getFirst(), points.getLast(), best)) {
      row.append(number(String.format(Locale.ROOT, "%.4f", point.value())));
    }
    return row.append(number(Long.toString(best.step()))).append("</tr>\n").toString();
  }

  private static String number(String digits) {
    return "<td class=\"number\">" + digits + "</td>";
  }

  /// What the plots do not show.
  private String notes(List<String> absent) {
    StringBuilder notes = new StringBuilder();
    if (!absent.isEmpty()) {
      notes.append("<p>Not in these logs: ").append(String.join(", ", absent)).append(".</p>\n");
    }
    for (int run = 0; run < runs.size(); run++) {
      MetricsTable metrics = runs.get(run).metrics();
      for (String metric :
          Plot.ALL.stream().flatMap(p -> p.metrics().stream()).distinct().toList()) {
        long count = metrics.notFinite(metric);
        if (count > 0) {
          notes.append(
              "<p>%s: %d values of %s are not finite and are left out.</p>\n"
                  .formatted(name(run), count, metric));
        }
      }
    }
    return notes.toString();
  }

  private String answers(int run) {
    List<CompletionRecord> answers = runs.get(run).answers();
    if (answers.isEmpty()) {
      return "";
    }
    int shown = Math.min(ANSWERS, answers.size());
    StringBuilder table = new StringBuilder();
    table.append("<h2>Answers of ").append(name(run)).append("</h2>\n");
    table.append(
        String.format(Locale.ROOT, "<p>%,d of the %,d logged.</p>\n", shown, answers.size()));
    table.append("<div class=\"scroll\"><table class=\"texts\">\n<tr><th>step</th>");
    table.append("<th>reward</th><th>question</th><th>answer</th><th>right answer</th></tr>\n");
    IntStream.range(0, shown)
        .mapToObj(i -> answers.get((int) ((long) i * answers.size() / shown)))
        .forEach(answer -> table.append(row(answer)));
    return table.append("</table></div>\n").toString();
  }

  private static String row(CompletionRecord answer) {
    String first = answer.layer() == 1 ? "" : answer.first().strip() + "\n→ corrected: ";
    String end = answer.truncated() ? " … (cut off)" : "";
    return "<tr>%s%s%s%s%s</tr>\n"
        .formatted(
            cell("number", "step", Long.toString(answer.step())),
            cell(
                "number",
                "reward",
                String.format(Locale.ROOT, "%.3f %s", answer.reward(), answer.right() ? "✓" : "✗")),
            cell("text", "question", answer.query().strip()),
            cell("text", "answer", first + answer.completion().strip() + end),
            cell("text", "right answer", answer.reference().strip()));
  }

  private static String cell(String style, String name, String text) {
    return "<td class=\"%s\" data-name=\"%s\"><span>%s</span></td>"
        .formatted(style, name, HtmlPage.escape(text));
  }
}
