package bitnet.generation;

import bitnet.grammar.TokenMask;
import bitnet.model.LogSoftmax;
import java.util.Arrays;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/// Draws a token in proportion to its probability, after the filters of [SamplingSettings].
///
/// @param settings with a temperature above 0
/// @param recorded whether tokens carry the distribution that they were drawn from
record StochasticSampler(SamplingSettings settings, boolean recorded) implements Sampler {

  @Override
  public SampledToken sample(
      float[] logits, TokenHistory history, @Nullable TokenMask allowed, double uniform) {
    float[] scores = LogitMath.adjusted(logits, history, settings, allowed);
    temper(scores);
    double[] weights = new double[scores.length]; // exp(score): 1 for the most probable token
    for (int id = 0; id < scores.length; id++) {
      weights[id] = Math.exp(scores[id]);
    }
    double all = sum(weights);
    keepTopK(scores, weights);
    keepTopP(scores, weights);
    keepMinP(weights);
    double mass = sum(weights);
    int id = draw(weights, uniform * mass);
    double modelLogProbability =
        allowed == null && changesNothing()
            ? scores[id] - Math.log(all)
            : LogSoftmax.at(logits, id, logits[LogitMath.best(logits)]);
    return new SampledToken(
        id,
        scores[id] - Math.log(mass),
        modelLogProbability,
        recorded ? distribution(scores, weights, mass) : null);
  }

  private SamplingDistribution distribution(float[] scores, double[] weights, double mass) {
    double sum = 0;
    int kept = 0;
    for (int id = 0; id < weights.length; id++) {
      if (weights[id] > 0) {
        sum += weights[id] * scores[id];
        kept++;
      }
    }
    int[] candidates = new int[isFiltered() ? kept : 0];
    int next = 0;
    for (int id = 0; next < candidates.length; id++) {
      if (weights[id] > 0) {
        candidates[next++] = id;
      }
    }
    return new SamplingDistribution(Math.log(mass) - sum / mass, candidates);
  }

  private boolean isFiltered() {
    return settings.topK() > 0 || settings.topP() < 1 || settings.minP() > 0;
  }

  /// Whether scores are the logits but for a constant, which spares a second pass of exponentials.
  private boolean changesNothing() {
    return settings.temperature() == 1 && settings.leavesLogits();
  }

  private static double sum(double... weights) {
    double sum = 0;
    for (double weight : weights) {
      sum += weight;
    }
    return sum;
  }

  /// Divides by the temperature, and sets the highest score to 0 before, lest it overflow.
  private void temper(float[] scores) {
    float highest = scores[LogitMath.best(scores)];
    for (int id = 0; id < scores.length; id++) {
      scores[id] = (float) (((double) scores[id] - highest) / settings.temperature());
    }
  }

  /// Takes the weight from all tokens below the k-th highest score; equals of it are all kept.
  private void keepTopK(float[] scores, double[] weights) {
    int k = settings.topK();
    if (k == 0 || k >= scores.length) {
      return;
    }
    PriorityQueue<Float> highest = new PriorityQueue<>(k);
    for (float score : scores) {
      if (highest.size() < k) {
        highest.add(score);
      } else if (score > highest.element()) {
        highest.remove();
        highest.add(score);
      }
    }
    float least = highest.element();
    for (int id = 0; id < scores.length; id++) {
      if (scores[id] < least) {
        weights[id] = 0;
      }
    }
  }

  /// Keeps the weight of the most probable tokens that together have at least `topP` of it, and of
  /// no more than needed; of equals the lowest ids.
  private void keepTopP(float[] scores, double[] weights) {
    if (settings.topP() == 1) {
      return;
    }
    double mass = sum(weights);
    double wanted = settings.topP() * mass;
    // all tokens below this weight together are not needed, which spares most of the sorting
    double least = (mass - wanted) / weights.length;
    long[] ranking = new long[weights.length];
    int count = 0;
    for (int id = 0; id < weights.length; id++) {
      if (weights[id] > 0 && weights[id] >= least) {
        // bits of floats from 0 up are ordered as the floats are
        ranking[count++] = (long) Float.floatToIntBits(0f - scores[id]) << Integer.SIZE | id;
      }
    }
    Arrays.sort(ranking, 0, count);
    double[] kept = new double[weights.length];
    double sum = 0;
    for (int rank = 0; rank < count && sum < wanted; rank++) {
      int id = (int) ranking[rank];
      kept[id] = weights[id];
      sum += weights[id];
    }
    System.arraycopy(kept, 0, weights, 0, kept.length);
  }

  private void keepMinP(double[] weights) {
    for (int id = 0; id < weights.length; id++) {
      if (weights[id] < settings.minP()) {
        weights[id] = 0;
      }
    }
  }

  /// Inverts the cumulative distribution, in the order of ids.
  private static int draw(double[] weights, double target) {
    double sum = 0;
    int drawn = -1;
    for (int id = 0; id < weights.length && (drawn < 0 || sum <= target); id++) {
      if (weights[id] > 0) {
        sum += weights[id];
        drawn = id;
      }
    }
    return drawn;
  }
}
