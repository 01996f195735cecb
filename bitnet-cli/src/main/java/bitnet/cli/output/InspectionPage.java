package bitnet.cli.output;

import bitnet.checkpoint.ModelInspection;
import bitnet.checkpoint.TensorInspection;
import bitnet.checkpoint.TensorInspection.Ternary;
import bitnet.model.LlamaConfig;
import bitnet.model.ModelFootprint;
import bitnet.report.HtmlPage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// What `bitnet inspect --html` writes: one page without scripts and without other files, readable
/// on a telephone, in light and in dark.
///
/// @param name the path as the user gave it
/// @param inspection what is in it
public record InspectionPage(String name, ModelInspection inspection) {
  private static final int PLOT_WIDTH = HtmlPage.PLOT_WIDTH;
  private static final int BAR = 14;
  private static final String PREFIX = "model.layers.";

  /// The page.
  public String html() {
    LlamaConfig config = inspection.config();
    StringBuilder page = new StringBuilder();
    page.append("<p>");
    page.append(
        String.format(
            Locale.ROOT,
            "%,d parameters, %,d ternary; %d layers, hidden size %d, %d heads, vocabulary %d,"
                + " context %d; %,.1f MB",
            config.parameterCount(),
            new ModelFootprint(config).ternaryParameters(),
            config.layerCount(),
            config.hiddenSize(),
            config.headCount(),
            config.vocabSize(),
            config.contextLength(),
            inspection.bytes() / 1e6));
    page.append("</p>\n<h2>Trits</h2>\n<p>The share of -1, 0 and +1 in each layer.</p>\n");
    page.append("<div class=\"plots\">\n");
    projections().forEach((projection, layers) -> page.append(shares(projection, layers)));
    page.append("</div>\n<h2>Scales</h2>\n<p>mean |W| of each layer.</p>\n<div class=\"plots\">\n");
    projections().forEach((projection, layers) -> page.append(scales(projection, layers)));
    page.append("</div>\n<h2>Tensors</h2>\n").append(table());
    return HtmlPage.of(name, page);
  }

  /// The linear layers by projection, in the order of the layers.
  private Map<String, List<Ternary>> projections() {
    Map<String, List<Ternary>> projections = new LinkedHashMap<>();
    for (TensorInspection each : inspection.tensors()) {
      String tensor = each.tensor().name();
      if (each.content() instanceof Ternary trits && tensor.startsWith(PREFIX)) {
        String projection =
            tensor.substring(tensor.indexOf('.', PREFIX.length()) + 1).replace(".weight", "");
        projections.computeIfAbsent(projection, key -> new ArrayList<>()).add(trits);
      }
    }
    return projections;
  }

  private static String shares(String projection, List<Ternary> layers) {
    StringBuilder svg = HtmlPage.svg(layers.size() * BAR + 4, "shares of " + projection);
    for (int layer = 0; layer < layers.size(); layer++) {
      Ternary trits = layers.get(layer);
      int y = layer * BAR;
      double wide = PLOT_WIDTH - 30;
      double minus = trits.negativeShare() * wide;
      double zero = trits.zeroShare() * wide;
      svg.append("<text x=\"0\" y=\"%d\">%d</text>".formatted(y + 10, layer));
      svg.append(bar("minus", 28, y, minus, trits.negativeShare()));
      svg.append(bar("zero", 28 + minus, y, zero, trits.zeroShare()));
      svg.append(bar("plus", 28 + minus + zero, y, wide - minus - zero, trits.positiveShare()));
    }
    return figure(svg, projection);
  }

  private static String bar(String style, double x, int y, double width, double share) {
    return String.format(
        Locale.ROOT,
        "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\">"
            + "<title>%s %.1f%%</title></rect>",
        style,
        x,
        y,
        width,
        BAR - 3,
        style,
        100 * share);
  }

  private static String scales(String projection, List<Ternary> layers) {
    int height = 90;
    double most = layers.stream().mapToDouble(Ternary::scale).max().orElse(1);
    StringBuilder svg = HtmlPage.svg(height + 4, "scales of " + projection);
    svg.append(
        "<line class=\"axis\" x1=\"40\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
            .formatted(height, PLOT_WIDTH, height));
    svg.append(String.format(Locale.ROOT, "<text x=\"0\" y=\"10\">%.3g</text>", most));
    svg.append("<text x=\"0\" y=\"%d\">0</text>".formatted(height));
    StringBuilder points = new StringBuilder();
    StringBuilder dots = new StringBuilder();
    for (int layer = 0; layer < layers.size(); layer++) {
      float scale = layers.get(layer).scale();
      double x = 46 + (PLOT_WIDTH - 52) * (layer + 0.5) / layers.size();
      double y = height - (height - 8) * scale / most;
      points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x, y));
      dots.append(
          String.format(
              Locale.ROOT,
              "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"><title>layer %d:"
                  + " %.5g</title></circle>",
              x,
              y,
              layer,
              scale));
    }
    svg.append("<polyline class=\"curve\" points=\"").append(points.toString().strip());
    svg.append("\"/>").append(dots);
    return figure(svg, projection);
  }

  private static String figure(StringBuilder svg, String caption) {
    return svg + "</svg><figcaption>" + HtmlPage.escape(caption) + "</figcaption></figure>\n";
  }

  private String table() {
    StringBuilder table = new StringBuilder();
    table.append("<div class=\"scroll\"><table>\n<tr><th>tensor</th><th>type</th><th>shape</th>");
    table.append("<th>bytes</th><th>content</th></tr>\n");
    for (TensorInspection each : inspection.tensors()) {
      String shape =
          Arrays.stream(each.tensor().shape())
              .mapToObj(Long::toString)
              .collect(Collectors.joining(" x "));
      table.append("<tr><td>").append(HtmlPage.escape(each.tensor().name()));
      table.append("</td><td>").append(HtmlPage.escape(each.type()));
      table.append("</td><td class=\"number\">").append(shape);
      table.append("</td><td class=\"number\">");
      table.append(String.format(Locale.ROOT, "%,d", each.bytes())).append("</td><td>");
      table.append(HtmlPage.escape(InspectionText.content(each).strip())).append("</td></tr>\n");
    }
    return table.append("</table></div>\n").toString();
  }
}
