package bitnet.report;

import bitnet.metrics.MetricsTable;
import bitnet.training.SmoothedLoss;
import java.util.ArrayList;
import java.util.List;

/// A line of a plot.
///
/// @param run the number of the run, 0 or 1, which is its colour
/// @param runLabel the name of the run, as plain text
/// @param label what it shows, as plain text
/// @param look how it is drawn
/// @param points in the order of their steps
record Curve(int run, String runLabel, String label, Look look, List<MetricsTable.Point> points) {

  /// Points of a curve that are drawn, at most: twice as many as a plot is wide on a large screen
  /// would not show more.
  private static final int MOST_POINTS = 600;

  /// How a curve is drawn.
  enum Look {
    /// What was measured at every step.
    FAINT("faint "),
    /// The main curve.
    SOLID(""),
    /// The same of something else.
    DASHED("dashed "),
    /// What was measured now and then: each point is marked.
    MARKED("dashed ");

    private final String style;

    Look(String style) {
      this.style = style;
    }
  }

  /// Copies the points.
  Curve {
    points = List.copyOf(points);
  }

  /// The classes of the style sheet.
  String style() {
    return look.style + colour();
  }

  /// Name of the run and of the curve.
  String name() {
    return runLabel + " " + label;
  }

  /// The class of the run's colour; that of the first is everybody's.
  String colour() {
    return run == 0 ? "" : "other ";
  }

  /// The mean of a curve's last points, the newest most, as train-ce smooths its loss.
  static List<MetricsTable.Point> smoothed(List<MetricsTable.Point> points) {
    List<MetricsTable.Point> means = new ArrayList<>();
    SmoothedLoss mean = SmoothedLoss.start();
    for (MetricsTable.Point point : points) {
      mean = mean.add(point.value());
      means.add(new MetricsTable.Point(point.step(), mean.value()));
    }
    return means;
  }

  /// The points that are drawn: of a long run the least and the greatest of each of many parts,
  /// so that no spike is lost.
  List<MetricsTable.Point> drawn() {
    if (points.size() <= MOST_POINTS) {
      return points;
    }
    List<MetricsTable.Point> drawn = new ArrayList<>();
    int parts = MOST_POINTS / 2;
    for (int part = 0; part < parts; part++) {
      int from = (int) ((long) points.size() * part / parts);
      int to = (int) ((long) points.size() * (part + 1) / parts);
      int least = from;
      int most = from;
      for (int i = from; i < to; i++) {
        least = points.get(i).value() < points.get(least).value() ? i : least;
        most = points.get(i).value() > points.get(most).value() ? i : most;
      }
      drawn.add(points.get(Math.min(least, most)));
      if (least != most) {
        drawn.add(points.get(Math.max(least, most)));
      }
    }
    return drawn;
  }
}
