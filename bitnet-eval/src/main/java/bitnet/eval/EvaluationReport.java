package bitnet.eval;

import bitnet.storage.AtomicFile;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedSet;
import org.jspecify.annotations.Nullable;

/// What was found about some models, and how they compare.
///
/// @param task what they were evaluated by
/// @param models one each, in the order in which they were given
/// @param tests the corrections of every model against its first answers, then every model against
///     every later one
public record EvaluationReport(String task, List<ModelMetrics> models, List<PairedTest> tests) {
  private static final int NAME_WIDTH = 22;

  /// A model's figures.
  ///
  /// @param model its name
  /// @param metrics in the order of the table
  /// @param notes what a reader of the figures has to know, whole sentences
  public record ModelMetrics(String model, List<Metric> metrics, List<String> notes) {

    /// Copies the lists.
    public ModelMetrics {
      metrics = List.copyOf(metrics);
      notes = List.copyOf(notes);
    }

    /// The figure of that name, if there is one.
    public Optional<Metric> metric(String name) {
      return metrics.stream().filter(metric -> metric.name().equals(name)).findFirst();
    }
  }

  /// Copies the lists.
  public EvaluationReport {
    models = List.copyOf(models);
    tests = List.copyOf(tests);
  }

  static EvaluationReport of(String task, List<ModelResult> results) {
    List<PairedTest> tests = new ArrayList<>();
    results.forEach(result -> tests.addAll(result.tests()));
    for (int i = 0; i < results.size(); i++) {
      for (int j = i + 1; j < results.size(); j++) {
        ModelResult first = results.get(i);
        ModelResult second = results.get(j);
        for (int k = 0; k < first.compared().size(); k++) {
          tests.add(
              PairedTest.of(
                  first.model(),
                  first.compared().get(k),
                  second.model(),
                  second.compared().get(k)));
        }
      }
    }
    List<ModelMetrics> evaluated =
        results.stream()
            .map(result -> new ModelMetrics(result.model(), result.metrics(), result.notes()))
            .toList();
    return new EvaluationReport(task, evaluated, tests);
  }

  /// A table for people: a row a figure, a column a model, then the comparisons and notes.
  public String table() {
    SequencedSet<String> names = new LinkedHashSet<>();
    models.forEach(model -> model.metrics().forEach(metric -> names.add(metric.name())));
    List<List<String>> columns = new ArrayList<>();
    for (ModelMetrics model : models) {
      List<String> cells = new ArrayList<>(List.of(model.model()));
      for (String name : names) {
        cells.add(model.metric(name).map(EvaluationReport::cell).orElse("-"));
      }
      columns.add(cells);
    }
    StringBuilder text = new StringBuilder();
    List<String> titles = new ArrayList<>(List.of(task));
    titles.addAll(names);
    for (int row = 0; row < titles.size(); row++) {
      StringBuilder line = new StringBuilder(padded(titles.get(row), NAME_WIDTH));
      for (List<String> cells : columns) {
        int width = cells.stream().mapToInt(String::length).max().orElse(0);
        line.append("  ").append(padded(cells.get(row), width));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    comparisons(text);
    models.forEach(model -> model.notes().forEach(note -> text.append(note).append('\n')));
    return text.toString();
  }

  private void comparisons(StringBuilder text) {
    String pair = "";
    for (PairedTest test : tests) {
      String title = "%s against %s".formatted(test.second(), test.first());
      if (!title.equals(pair)) {
        text.append('\n').append(title).append('\n');
        pair = title;
      }
      text.append(
          String.format(
              Locale.ROOT,
              "%s  %+.4f  p %s  (%s)%n",
              padded(test.metric(), NAME_WIDTH),
              test.difference(),
              probability(test.pValue()),
              test.test()));
    }
  }

  private static String probability(double pValue) {
    if (Double.isNaN(pValue)) {
      return "= ?";
    }
    return pValue < 5e-5 ? "< 0.0001" : String.format(Locale.ROOT, "= %.4f", pValue);
  }

  private static String cell(Metric metric) {
    Interval interval = metric.interval();
    if (interval != null) {
      return String.format(
          Locale.ROOT, "%.4f [%.4f, %.4f]", metric.value(), interval.low(), interval.high());
    }
    boolean whole = metric.value() == Math.rint(metric.value()) && metric.value() >= 1;
    return String.format(Locale.ROOT, whole ? "%,.0f" : "%.4f", metric.value());
  }

  private static String padded(String text, int width) {
    return text + " ".repeat(Math.max(0, width - text.length()));
  }

  /// Everything as one JSON object on one line: `{"task", "models": {name: {figure: {"value",
  /// "low"?, "high"?, "count"}}}, "tests": [...], "notes": [...]}`. A p-value that cannot be told
  /// is null.
  public String json() {
    ObjectNode root = new ObjectMapper().createObjectNode();
    root.put("task", task);
    ObjectNode byModel = root.putObject("models");
    for (ModelMetrics model : models) {
      ObjectNode figures = byModel.putObject(model.model());
      for (Metric metric : model.metrics()) {
        ObjectNode figure = figures.putObject(metric.name()).put("value", metric.value());
        Interval interval = metric.interval();
        if (interval != null) {
          figure.put("low", interval.low()).put("high", interval.high());
        }
        figure.put("count", metric.count());
      }
    }
    ArrayNode list = root.putArray("tests");
    for (PairedTest test : tests) {
      ObjectNode node =
          list.addObject()
              .put("metric", test.metric())
              .put("first", test.first())
              .put("second", test.second())
              .put("difference", test.difference());
      node.put("p_value", Double.isNaN(test.pValue()) ? null : (Double) test.pValue());
      node.put("test", test.test());
    }
    ArrayNode notes = root.putArray("notes");
    models.forEach(model -> model.notes().forEach(notes::add));
    return root.toString();
  }

  /// Writes the figures as CSV, a row a model and figure: `model,metric,value,low,high,count`.
  /// The file appears complete or not at all.
  public void writeCsv(Path file) throws IOException {
    StringBuilder text = new StringBuilder("model,metric,value,low,high,count\n");
    for (ModelMetrics model : models) {
      for (Metric metric : model.metrics()) {
        Interval interval = metric.interval();
        text.append(quoted(model.model())).append(',').append(metric.name());
        text.append(',').append(metric.value());
        text.append(',').append(number(interval == null ? null : interval.low()));
        text.append(',').append(number(interval == null ? null : interval.high()));
        text.append(',').append(metric.count()).append('\n');
      }
    }
    AtomicFile.write(file, text.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static String number(@Nullable Double value) {
    return value == null ? "" : value.toString();
  }

  private static String quoted(String text) {
    return text.matches("[^,\"\r\n]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
  }
}
