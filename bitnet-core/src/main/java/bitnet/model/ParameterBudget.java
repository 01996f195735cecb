package bitnet.model;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A number of parameters asked for, and the dimensions that meet it within 1%.
///
/// Among all dimensions that do, the search takes those nearest to the proportions of known models:
/// the ratio of hidden size to layers (16 at 1M, 64 at 700M as in the BitNet paper, 128 at 7B) and
/// an intermediate size of 8/3 of the hidden size as in LLaMA. The head dimension is 64 below 3B
/// and 128 from there. From 300M up the input widths are multiples of 256, which GGUF's ternary
/// types need, below of 64. From 7B up there are 8 key and value heads.
///
/// @param parameters the number asked for
public record ParameterBudget(long parameters) {
  /// The smallest budget.
  public static final long LEAST = 1_000_000;

  /// The largest budget.
  public static final long MOST = 200_000_000_000L;

  private static final Pattern FORM = Pattern.compile("(\\d{1,12}(?:\\.\\d{1,9})?)([KMB]?)");
  private static final double TOLERANCE = 0.01;
  private static final long WIDE_HEADS_FROM = 3_000_000_000L;
  private static final long GROUPED_QUERIES_FROM = 7_000_000_000L;
  // a request 1% below 300M may end above it
  private static final long MULTIPLES_OF_256_FROM = 297_000_000;
  private static final int MOST_HIDDEN = 32768;
  private static final int MOST_LAYERS = 200;
  // parameters and the ratio of hidden size to layers, from small models, BitNet (700M, 3B),
  // LLaMA (7B, 70B)
  private static final double[][] PROPORTIONS = {
    {1e6, 16}, {1e7, 32}, {1e8, 64}, {7e8, 64}, {3e9, 112}, {7e9, 128}, {7e10, 102}, {2e11, 128}
  };

  /// Checks the range.
  ///
  /// @throws IllegalArgumentException if the number is not from 1M to 200B
  public ParameterBudget {
    if (parameters < LEAST || parameters > MOST) {
      throw new IllegalArgumentException(
          "%d parameters are out of range; use 1M to 200B".formatted(parameters));
    }
  }

  /// Reads `750M`, `1.5B`, `2500K` or plain digits.
  ///
  /// @throws IllegalArgumentException if the text is nothing of the kind, or not from 1M to 200B
  public static ParameterBudget parse(String text) {
    Matcher matcher = FORM.matcher(text.strip().toUpperCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "\"%s\" is not a number of parameters; write for example 750M or 1.5B".formatted(text));
    }
    int exponent =
        switch (matcher.group(2)) {
          case "K" -> 3;
          case "M" -> 6;
          case "B" -> 9;
          default -> 0;
        };
    BigDecimal value = new BigDecimal(matcher.group(1)).movePointRight(exponent);
    if (value.compareTo(BigDecimal.valueOf(MOST)) > 0) {
      throw new IllegalArgumentException(
          "%s parameters are out of range; use 1M to 200B".formatted(text));
    }
    return new ParameterBudget(value.longValue());
  }

  /// The dimensions that meet the budget; the same for the same arguments.
  ///
  /// @param template the pieces of the model: its family, vocabulary, context and the like; its
  ///     size does not matter
  /// @throws IllegalArgumentException if no dimensions come within 1%; names the nearest ones
  public LlamaConfig configure(LlamaConfig template) {
    Search search = new Search(template);
    search.run();
    Candidate best = search.best;
    if (best == null) {
      throw new IllegalArgumentException(
          unreachable(search.nearest, template.vocabSize(), template.tiedHead()));
    }
    return template.withSize(
        best.hidden,
        best.intermediate,
        best.layers,
        best.hidden / headDim(),
        keyValueHeads(best.hidden),
        headDim());
  }

  private String unreachable(@Nullable Candidate nearest, int vocabSize, boolean tiedHead) {
    String message =
        "%d parameters cannot be met within 1%% with a vocabulary of %d"
            .formatted(parameters, vocabSize);
    if (nearest != null) {
      message +=
          "; the nearest is %d (hidden %d, intermediate %d, %d layers)"
              .formatted(nearest.count, nearest.hidden, nearest.intermediate, nearest.layers);
    }
    return message
        + "; ask for that, use a smaller vocab_size"
        + (tiedHead ? "" : " or a tied head");
  }

  private int headDim() {
    return parameters < WIDE_HEADS_FROM ? 64 : 128;
  }

  private boolean groupedQueries() {
    return parameters >= GROUPED_QUERIES_FROM;
  }

  private int keyValueHeads(int hidden) {
    return groupedQueries() ? 8 : hidden / headDim();
  }

  /// The ratio of hidden size to layers, interpolated on logarithmic axes.
  private double proportion() {
    double size = Math.log((double) parameters);
    int i = 1;
    while (i < PROPORTIONS.length - 1 && parameters > PROPORTIONS[i][0]) {
      i++;
    }
    double from = Math.log(PROPORTIONS[i - 1][0]);
    double to = Math.log(PROPORTIONS[i][0]);
    double part = (size - from) / (to - from);
    double low = Math.log(PROPORTIONS[i - 1][1]);
    return Math.exp(low + part * (Math.log(PROPORTIONS[i][1]) - low));
  }

  private record Candidate(int hidden, int intermediate, int layers, long count) {}

  private final class Search {
    private final LlamaConfig template;
    private final boolean subNorms;
    private final double proportion = proportion();
    private final int multiple;
    private @Nullable Candidate best;
    private double bestDeviation = Double.POSITIVE_INFINITY;
    private @Nullable Candidate nearest;
    private double nearestError = Double.POSITIVE_INFINITY;

    Search(LlamaConfig template) {
      this.template = template;
      this.subNorms = template.subNorms();
      int least = parameters < MULTIPLES_OF_256_FROM ? 64 : 256;
      int group = Math.max(least, template.weights().scaleColumns());
      this.multiple = group % least == 0 ? group : group * (least / 64);
    }

    void run() {
      // 8 key and value heads must divide the heads
      int step = groupedQueries() ? Math.max(8 * headDim(), multiple) : multiple;
      for (int hidden = step; hidden <= MOST_HIDDEN; hidden += step) {
        for (int layers = 2; layers <= MOST_LAYERS; layers++) {
          long fixed = count(hidden, 0, layers);
          double ideal = (parameters - fixed) / ((3.0 * hidden + (subNorms ? 1 : 0)) * layers);
          int most = 6 * hidden / multiple;
          int below = (int) Math.clamp(Math.floor(ideal / multiple), 1, most);
          consider(hidden, below * multiple, layers);
          consider(hidden, (below + 1) * multiple, layers);
          if (fixed > parameters) {
            break;
          }
        }
      }
    }

    private void consider(int hidden, int intermediate, int layers) {
      long count = count(hidden, intermediate, layers);
      Candidate candidate = new Candidate(hidden, intermediate, layers, count);
      double error = Math.abs(count - parameters) / (double) parameters;
      if (error < nearestError) {
        nearest = candidate;
        nearestError = error;
      }
      double deviation =
          Math.abs(Math.log(hidden / (layers * proportion)))
              + 2 * Math.abs(Math.log(3.0 * intermediate / (8.0 * hidden)))
              + 5 * error;
      if (error <= TOLERANCE && deviation < bestDeviation) {
        best = candidate;
        bestDeviation = deviation;
      }
    }

    private long count(long hidden, long intermediate, long layers) {
      long keyValueWidth = (long) keyValueHeads((int) hidden) * headDim();
      long layer = 2 * hidden * hidden + 2 * hidden * keyValueWidth;
      layer += 3 * hidden * intermediate + 2 * hidden;
      layer += subNorms ? hidden + intermediate : 0;
      AttentionVariant attention = template.heads().variant();
      layer += attention.queryKeyNorms() ? 2L * headDim() : 0;
      layer += attention.inputBiases() ? hidden + 2 * keyValueWidth : 0;
      layer += attention.outputBias() ? hidden : 0;
      long vocabulary = (template.tiedHead() ? 1L : 2L) * template.vocabSize() * hidden;
      return vocabulary + layers * layer + hidden;
    }
  }
}
