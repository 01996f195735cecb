package bitnet.tokenizer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.ObjLongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How often each word of a text occurs. Words are what GPT-2's pattern cuts a text into: merges
/// never cross them. The order in which words are added does not matter.
public final class WordCounts {
  // what \s is in Hugging Face's regular expressions: any Unicode white space
  private static final String SPACE = "\\p{IsWhite_Space}";

  /// The pattern of Hugging Face's `ByteLevel` pre-tokenizer.
  private static final Pattern WORD =
      Pattern.compile(
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+"
              + "| ?[^%1$s\\p{L}\\p{N}]+|%1$s+(?![^%1$s])|%1$s+".formatted(SPACE));

  private final Map<String, Count> counts = new HashMap<>();

  /// A word's number of occurrences.
  static final class Count {
    private long value;

    long value() {
      return value;
    }
  }

  /// No words yet.
  public WordCounts() {}

  /// Counts the words of a UTF-8 text file, line by line.
  ///
  /// @return the size of the text in bytes
  /// @throws IOException if it is absent, empty or not UTF-8: the file, the place, the remedy
  public long addFile(Path file) throws IOException {
    return CorpusLines.read(file, this::addLine);
  }

  /// Reads a text file without counting anything.
  ///
  /// @return the size of the text in bytes
  /// @throws IOException as [#addFile]
  public static long readThrough(Path file) throws IOException {
    return CorpusLines.read(file, line -> {});
  }

  /// Counts the words of a line.
  void addLine(String line) {
    Matcher words = WORD.matcher(line);
    while (words.find()) {
      add(words.group(), 1);
    }
  }

  /// Adds occurrences of a word.
  public void add(String word, long occurrences) {
    counts.computeIfAbsent(word, _ -> new Count()).value += occurrences;
  }

  /// Gives every word with its number of occurrences to a consumer.
  public void forEach(ObjLongConsumer<String> consumer) {
    counts.forEach((word, count) -> consumer.accept(word, count.value));
  }

  /// The counts so far.
  Map<String, Count> counts() {
    return counts;
  }
}
