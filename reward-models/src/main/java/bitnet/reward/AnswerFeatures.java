package bitnet.reward;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// What a [LinearRewardModel] sees of an answer: hashed words (stems), pairs of neighbours, and
/// pairs of a word of the question with one of the answer; how much of the answer repeats the
/// question, how long it is, and whether it is well formed. Each group has length 1, so that long
/// answers weigh no more than short ones.
///
/// @param indexes of the weights that count
/// @param values by how much, of the same length
@SuppressWarnings("ArrayRecordComponent") // read once, never compared
record AnswerFeatures(int[] indexes, float[] values) {
  /// Weights of a model.
  static final int COUNT = 1 << 14;

  private static final int SCALARS = 4;
  private static final int MOST_WORDS = 256;
  private static final int MOST_CROSSED = 32;

  static AnswerFeatures of(String query, String completion) {
    List<String> asked = stems(query);
    List<String> said = stems(completion);
    List<Integer> indexes = new ArrayList<>();
    List<Float> values = new ArrayList<>();
    addGroup(said, indexes, values);
    List<String> neighbours = new ArrayList<>();
    for (int i = 0; i <= said.size(); i++) { // the ends count as words
      neighbours.add((i == 0 ? "" : said.get(i - 1)) + " " + (i == said.size() ? "" : said.get(i)));
    }
    addGroup(neighbours, indexes, values);
    List<String> crosses = new ArrayList<>();
    for (String question : few(asked)) {
      for (String answer : few(said)) {
        crosses.add(question + "|" + answer);
      }
    }
    addGroup(crosses, indexes, values);
    Set<String> askedOnce = Set.copyOf(asked);
    double repeated = said.stream().filter(askedOnce::contains).count();
    double[] scalars = {
      1,
      said.isEmpty() ? 0 : repeated / said.size(),
      Math.log1p(completion.length()) / 10,
      new Format().score(query, "", completion).outcome(),
    };
    for (int i = 0; i < SCALARS; i++) {
      indexes.add(i);
      values.add((float) scalars[i]);
    }
    return new AnswerFeatures(
        indexes.stream().mapToInt(Integer::intValue).toArray(), floats(values));
  }

  private static List<String> stems(String text) {
    return TokenF1.words(text).stream()
        .limit(MOST_WORDS)
        .map(word -> word.replaceFirst("^-", "")) // models know numbers without a sign
        .map(PorterStemmer::stem)
        .toList();
  }

  private static Set<String> few(List<String> words) {
    return new LinkedHashSet<>(words.subList(0, Math.min(MOST_CROSSED, words.size())));
  }

  private static void addGroup(List<String> keys, List<Integer> indexes, List<Float> values) {
    float value = (float) (1 / Math.sqrt(Math.max(1, keys.size())));
    for (String key : keys) {
      // the low bits of a string's hash are poor: mixed as by MurmurHash3
      int hash = key.hashCode();
      hash = (hash ^ (hash >>> 16)) * 0x85EBCA6B;
      hash = (hash ^ (hash >>> 13)) * 0xC2B2AE35;
      indexes.add(SCALARS + Integer.remainderUnsigned(hash ^ (hash >>> 16), COUNT - SCALARS));
      values.add(value);
    }
  }

  private static float[] floats(List<Float> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i);
    }
    return floats;
  }

  /// The weighted sum of what counts.
  double dot(float[] weights) {
    double sum = 0;
    for (int i = 0; i < indexes.length; i++) {
      sum += (double) weights[indexes[i]] * values[i];
    }
    return sum;
  }

  /// Adds `factor` times the features to the weights.
  void addTo(float[] weights, double factor) {
    for (int i = 0; i < indexes.length; i++) {
      weights[indexes[i]] += (float) (factor * values[i]);
    }
  }
}
