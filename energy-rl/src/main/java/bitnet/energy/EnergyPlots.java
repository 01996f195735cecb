package bitnet.energy;

import bitnet.storage.AtomicFile;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/// Pictures of an experiment, as PNG files.
public final class EnergyPlots {
  private static final int WINDOW = 10;
  private static final int HEIGHT = 560;
  private static final int CURVE_WIDTH = 960;
  private static final int MAP_WIDTH = 640;
  private static final double MAP_AREA_WIDTH = 532; // what axes and margins leave of a map
  private static final double MAP_AREA_HEIGHT = 396;
  private static final double GAP = 3;
  private static final int LEGEND_SQUARE = 14;
  // colours of Okabe and Ito, which the colour-blind can tell apart
  private static final Color BLUE = new Color(0x0072B2);
  private static final Color PALE_BLUE = new Color(0xA6CBE3);
  private static final Color GREEN = new Color(0x009E73);
  private static final Color ORANGE = new Color(0xE69F00);
  private static final Color VERMILION = new Color(0xD55E00);
  private static final Color GREY = new Color(0x999999);
  private static final Color PALE_GREY = new Color(0xE4E4E4);

  private EnergyPlots() {}

  /// Draws `learning-curve.png` and `policy.png` into a directory, which is made if there is
  /// none.
  ///
  /// @return the files
  public static List<Path> write(
      Path directory, EnergyEnvironment environment, EnergyExperiment experiment)
      throws IOException {
    Path curve = directory.resolve("learning-curve.png");
    Path policy = directory.resolve("policy.png");
    AtomicFile.write(curve, png(List.of(curve(experiment))));
    AtomicFile.write(policy, png(maps(environment, experiment)));
    return List.of(curve, policy);
  }

  private static byte[] png(List<XYChart> sideBySide) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    BitmapEncoder.saveBitmap(sideBySide, 1, sideBySide.size(), bytes, BitmapFormat.PNG);
    return bytes.toByteArray();
  }

  private static XYChart curve(EnergyExperiment experiment) {
    double[] rewards = experiment.training().stream().mapToDouble(EnergyMetrics::reward).toArray();
    double[] episodes = IntStream.rangeClosed(1, rewards.length).asDoubleStream().toArray();
    XYChart chart =
        chart("Q-learning: reward of each training episode", "episode", "reward", CURVE_WIDTH);
    chart.getStyler().setXAxisMin(0.0).setXAxisMax((double) rewards.length);
    line(chart, "an episode", episodes, rewards, PALE_BLUE, 1.2f);
    line(chart, "mean of the last " + WINDOW, episodes, smoothed(rewards), BLUE, 2.8f);
    level(
        chart, "optimum (value iteration)", episodes, experiment.optimum().expectedReward(), GREEN);
    level(chart, "after training", episodes, experiment.after().meanReward(), ORANGE);
    level(chart, "random policy", episodes, experiment.random().meanReward(), GREY);
    return chart;
  }

  /// The mean of up to [#WINDOW] rewards that end at each.
  private static double[] smoothed(double... rewards) {
    return IntStream.range(0, rewards.length)
        .mapToDouble(
            last ->
                IntStream.rangeClosed(Math.max(0, last - WINDOW + 1), last)
                    .mapToDouble(i -> rewards[i])
                    .average()
                    .orElseThrow())
        .toArray();
  }

  private static void level(
      XYChart chart, String name, double[] episodes, double reward, Color color) {
    double[] xs = {0, episodes.length};
    double[] ys = {reward, reward};
    XYSeries series = line(chart, "%s: %.2f".formatted(name, reward), xs, ys, color, 2);
    series.setLineStyle(
        new BasicStroke(2, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER, 1, new float[] {8, 5}, 0));
  }

  private static XYSeries line(
      XYChart chart, String name, double[] xs, double[] ys, Color color, float width) {
    XYSeries series = chart.addSeries(name, xs, ys);
    series.setMarker(SeriesMarkers.NONE);
    series.setLineColor(color);
    series.setLineWidth(width);
    return series;
  }

  private static List<XYChart> maps(EnergyEnvironment environment, EnergyExperiment experiment) {
    QLearningAgent agent = experiment.agent();
    List<EnergyState> known = environment.states().stream().filter(agent::knows).toList();
    return List.of(
        map("Learned policy", environment, agent, known),
        map(
            "Optimal policy, all steps left",
            environment,
            experiment.optimum(),
            environment.states()));
  }

  /// A cell a state, coloured by action; pale where the policy knows nothing.
  private static XYChart map(
      String title, EnergyEnvironment environment, Policy policy, List<EnergyState> known) {
    XYChart chart = chart(title, "stored energy", "temperature above the air", MAP_WIDTH);
    chart.getStyler().setDefaultSeriesRenderStyle(XYSeriesRenderStyle.Scatter);
    chart
        .getStyler()
        .setXAxisMin(0.5)
        .setXAxisMax(environment.maxEnergy() + 0.5)
        .setYAxisMin(-0.5)
        .setYAxisMax(environment.thermalLimit() - 0.5)
        .setPlotGridLinesVisible(false);
    chart.getStyler().setMarkerSize(LEGEND_SQUARE);
    Marker cell =
        new CellMarker(
            Math.max(1, MAP_AREA_WIDTH / environment.maxEnergy() - GAP),
            Math.max(1, MAP_AREA_HEIGHT / environment.thermalLimit() - GAP));
    Map<Action, List<EnergyState>> chosen = new EnumMap<>(Action.class);
    SplittableRandom ties = new SplittableRandom(0);
    for (EnergyState state : known) {
      Action action = policy.choose(state, Integer.MAX_VALUE, ties);
      chosen.computeIfAbsent(action, none -> new ArrayList<>()).add(state);
    }
    chosen.forEach((action, states) -> cells(chart, name(action), states, cell, color(action)));
    List<EnergyState> unknown = new ArrayList<>(environment.states());
    unknown.removeAll(known);
    cells(chart, "never met in training", unknown, cell, PALE_GREY);
    return chart;
  }

  /// The first cell is drawn twice: its small square is the one that the legend shows.
  private static void cells(
      XYChart chart, String name, List<EnergyState> states, Marker cell, Color color) {
    if (!states.isEmpty()) {
      squares(chart, name, states.subList(0, 1), SeriesMarkers.SQUARE, color);
      squares(chart, name + " cells", states, cell, color).setShowInLegend(false);
    }
  }

  private static XYSeries squares(
      XYChart chart, String name, List<EnergyState> states, Marker marker, Color color) {
    XYSeries series =
        chart.addSeries(
            name,
            states.stream().mapToDouble(EnergyState::energy).toArray(),
            states.stream().mapToDouble(EnergyState::temperature).toArray());
    series.setMarker(marker);
    series.setMarkerColor(color);
    return series;
  }

  private static String name(Action action) {
    return switch (action) {
      case IDLE -> "idle";
      case COMPUTE -> "compute";
      case HARVEST -> "harvest";
      case COOL -> "cool";
    };
  }

  private static Color color(Action action) {
    return switch (action) {
      case IDLE -> GREY;
      case COMPUTE -> VERMILION;
      case HARVEST -> GREEN;
      case COOL -> BLUE;
    };
  }

  private static XYChart chart(String title, String xTitle, String yTitle, int width) {
    XYChart chart =
        new XYChartBuilder()
            .width(width)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle(xTitle)
            .yAxisTitle(yTitle)
            .build();
    chart
        .getStyler()
        .setChartBackgroundColor(Color.WHITE)
        .setPlotBorderVisible(false)
        .setChartTitleBoxVisible(false)
        .setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 17))
        .setLegendPosition(LegendPosition.OutsideS)
        .setLegendLayout(LegendLayout.Horizontal)
        .setLegendBorderColor(Color.WHITE)
        .setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
    chart
        .getStyler()
        .setAxisTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 14))
        .setAxisTickLabelsFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12))
        .setPlotGridLinesColor(PALE_GREY);
    return chart;
  }
}
