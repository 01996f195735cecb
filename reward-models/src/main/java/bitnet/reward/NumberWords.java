package bitnet.reward;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// Numbers in English words: `twelve`, `twenty-five`, `one hundred and five`, `minus three`.
final class NumberWords {
  private static final Pattern BETWEEN = Pattern.compile("(?: and |[ -])");
  private static final Map<String, Long> VALUES = values();
  private static final Map<String, Long> SCALES =
      Map.of(
          "hundred",
          100L,
          "thousand",
          1_000L,
          "million",
          1_000_000L,
          "billion",
          1_000_000_000L,
          "trillion",
          1_000_000_000_000L);
  private static final int MOST_WORDS = 20;
  private static final Pattern PART = Pattern.compile("(?i)(?:an? |one[ -])?half");
  private static final Pattern MORE_BY_HALF = Pattern.compile("(?i) and (?:a|one)[ -]half");

  /// By denominator; a plural has lost its s.
  private static final List<String> DENOMINATORS =
      List.of(
          "zeroth", "first", "halve", "third", "quarter", "fifth", "sixth", "seventh", "eighth",
          "ninth", "tenth");

  private NumberWords() {}

  private static Map<String, Long> values() {
    List<String> small =
        List.of(
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen");
    List<String> tens =
        List.of("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety");
    Map<String, Long> values = new HashMap<>();
    for (int i = 0; i < small.size(); i++) {
      values.put(small.get(i), (long) i);
    }
    for (int i = 0; i < tens.size(); i++) {
      values.put(tens.get(i), 10L * (i + 2));
    }
    return Map.copyOf(values);
  }

  /// The factor of a word like `million`.
  static Optional<Long> scale(String word) {
    return Optional.ofNullable(SCALES.get(word.toLowerCase(Locale.ROOT)));
  }

  /// Whether a word is a number.
  static boolean begins(String word) {
    return VALUES.containsKey(word.toLowerCase(Locale.ROOT));
  }

  /// The words at the beginning of a text that are a number, in digits, with the rest of the text;
  /// the text itself if it begins otherwise. Fractions are read where they are the whole: `half`,
  /// `two thirds`, `one and a half`.
  static String inDigits(String text) {
    if (PART.matcher(text).matches()) {
      return "1/2";
    }
    String[] words = BETWEEN.split(text, MOST_WORDS + 1);
    int used = Math.min(words.length, MOST_WORDS);
    while (used > 0 && value(words, used).isEmpty()) {
      used--;
    }
    if (used == 0) {
      return text;
    }
    int end = 0;
    for (int i = 0; i < used; i++) {
      end = text.indexOf(words[i], end) + words[i].length();
    }
    String rest = text.substring(end);
    long value = value(words, used).orElseThrow();
    if (MORE_BY_HALF.matcher(rest).matches()) {
      return value + " 1/2";
    }
    int denominator =
        DENOMINATORS.indexOf(rest.toLowerCase(Locale.ROOT).replaceAll("^[ -]|s$", ""));
    return denominator > 1 && rest.length() > 1 ? value + "/" + denominator : value + rest;
  }

  private static Optional<Long> value(String[] words, int count) {
    long total = 0;
    long group = 0;
    long room = Long.MAX_VALUE; // what the next word must be below
    for (int i = 0; i < count; i++) {
      String word = words[i].toLowerCase(Locale.ROOT);
      Long value = VALUES.get(word);
      Long scale = SCALES.get(word);
      if (value != null && value < room && (i == 0 || value > 0)) {
        group += value;
        room = value >= 20 ? 10 : 1;
      } else if (scale != null && group > 0 && room < Long.MAX_VALUE) {
        group *= scale;
        room = 100;
        if (scale > 100) {
          total += group;
          group = 0;
          room = 1000;
        }
      } else {
        return Optional.empty();
      }
    }
    return count == 0 ? Optional.empty() : Optional.of(total + group);
  }
}
