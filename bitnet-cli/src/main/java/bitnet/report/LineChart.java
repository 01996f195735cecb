package bitnet.report;

import bitnet.metrics.MetricsTable;
import java.util.List;
import java.util.Locale;

/// Curves over the steps of runs, as an HTML figure with a legend.
///
/// @param title as plain text
/// @param caption what is measured, as plain text
/// @param curves at least one, none of them empty
record LineChart(String title, String caption, List<Curve> curves) {
  private static final int HEIGHT = 190;
  private static final int LEFT = 40;
  private static final int RIGHT = HtmlPage.PLOT_WIDTH - 12;
  private static final int TOP = 8;
  private static final int BOTTOM = HEIGHT - 22;
  private static final int MARKED_POINTS = 80;

  /// Copies the curves.
  LineChart {
    curves = List.copyOf(curves);
  }

  /// The figure.
  String html() {
    List<MetricsTable.Point> points =
        curves.stream().flatMap(curve -> curve.points().stream()).toList();
    var steps = points.stream().mapToLong(MetricsTable.Point::step).summaryStatistics();
    var values = points.stream().mapToDouble(MetricsTable.Point::value).summaryStatistics();
    Axis across = Axis.ofSteps(steps.getMin(), steps.getMax(), 5);
    Axis up = Axis.around(values.getMin(), values.getMax(), 4);
    StringBuilder figure = HtmlPage.svg(HEIGHT, title + ": " + summary());
    int afterFigure = "<figure>".length();
    figure.insert(
        afterFigure,
        "<figcaption><strong>%s</strong> %s</figcaption>"
            .formatted(HtmlPage.escape(title), HtmlPage.escape(caption)));
    for (double tick : up.ticks()) {
      double y = y(up, tick);
      figure.append(line(LEFT, y, RIGHT, y));
      figure.append(text(LEFT - 5, y + 3, "end", up.label(tick)));
    }
    for (double tick : across.ticks()) {
      double x = x(across, Math.round(tick));
      figure.append(line(x, BOTTOM, x, BOTTOM + 4));
      figure.append(text(x, BOTTOM + 15, "middle", across.label(tick)));
    }
    curves.forEach(curve -> figure.append(polyline(curve, across, up)));
    return figure.append("</svg>").append(legend()).append("</figure>\n").toString();
  }

  /// Where each curve begins and ends, for people who do not see it.
  private String summary() {
    return String.join(
        "; ",
        curves.stream()
            .map(
                curve ->
                    String.format(
                        Locale.ROOT,
                        "%s from %.4g to %.4g",
                        curve.name(),
                        curve.points().getFirst().value(),
                        curve.points().getLast().value()))
            .toList());
  }

  private static double x(Axis across, long step) {
    return LEFT + across.place((double) step) * (RIGHT - LEFT);
  }

  private static double y(Axis up, double value) {
    return BOTTOM - up.place(value) * (BOTTOM - TOP);
  }

  private static String line(double fromX, double fromY, double toX, double toY) {
    return String.format(
        Locale.ROOT,
        "<line class=\"axis\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>",
        fromX,
        fromY,
        toX,
        toY);
  }

  private static String text(double x, double y, String anchor, String text) {
    return String.format(
        Locale.ROOT,
        "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
        x,
        y,
        anchor,
        HtmlPage.escape(text));
  }

  private static String polyline(Curve curve, Axis across, Axis up) {
    List<MetricsTable.Point> points = curve.drawn();
    StringBuilder svg = new StringBuilder();
    svg.append("<polyline class=\"").append(curve.style()).append("curve\" points=\"");
    for (MetricsTable.Point point : points) {
      svg.append(
          String.format(Locale.ROOT, "%.1f,%.1f ", x(across, point.step()), y(up, point.value())));
    }
    svg.setLength(svg.length() - 1);
    svg.append("\"/>");
    boolean marked = curve.look() == Curve.Look.MARKED && points.size() <= MARKED_POINTS;
    if (marked || points.size() == 1) {
      points.forEach(point -> svg.append(dot(curve, across, up, point)));
    }
    return svg.toString();
  }

  private static String dot(Curve curve, Axis across, Axis up, MetricsTable.Point point) {
    return String.format(
        Locale.ROOT,
        "<circle class=\"%sdot\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"><title>%s, step %d:"
            + " %.4g</title></circle>",
        curve.colour(),
        x(across, point.step()),
        y(up, point.value()),
        HtmlPage.escape(curve.name()),
        point.step(),
        point.value());
  }

  /// A line for each run.
  private String legend() {
    StringBuilder legend = new StringBuilder();
    for (int run : curves.stream().mapToInt(Curve::run).distinct().toArray()) {
      List<Curve> own = curves.stream().filter(curve -> curve.run() == run).toList();
      legend.append("<div class=\"legend\"><strong class=\"%s\">".formatted(colour(run)));
      legend.append(HtmlPage.escape(own.getFirst().runLabel())).append("</strong>");
      own.forEach(curve -> legend.append(key(curve)));
      legend.append("</div>");
    }
    return legend.toString();
  }

  /// The class of text in the colour of a run.
  static String colour(int run) {
    return run == 0 ? "blue" : "orange";
  }

  private static String key(Curve curve) {
    StringBuilder key = new StringBuilder("<span><svg class=\"key\" viewBox=\"0 0 26 10\"");
    key.append(" aria-hidden=\"true\">");
    key.append(
        "<line class=\"%scurve\" x1=\"1\" y1=\"5\" x2=\"25\" y2=\"5\"/>".formatted(curve.style()));
    if (curve.look() == Curve.Look.MARKED) {
      key.append(
          "<circle class=\"%sdot\" cx=\"13\" cy=\"5\" r=\"2.5\"/>".formatted(curve.colour()));
    }
    return key.append("</svg>").append(HtmlPage.escape(curve.label())).append("</span>").toString();
  }
}
