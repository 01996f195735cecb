package bitnet.grpo;

import bitnet.generation.RandomStream;
import bitnet.storage.TextInput;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Phrases that ask for a correction, each with the question for [bitnet.data.QaTemplate#QUERY].
///
/// @param phrases at least one
/// @param probabilities of each; empty where they are all equal, or where there is a schedule
/// @param scheduled whether step i takes the i-th phrase, beginning again after the last
public record GuidingPrompts(List<String> phrases, List<Double> probabilities, boolean scheduled) {

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int LARGEST = 4 << 20; // bytes of a file with phrases

  /// Checks the probabilities and copies the lists.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public GuidingPrompts {
    phrases = List.copyOf(phrases);
    probabilities = List.copyOf(probabilities);
    if (phrases.isEmpty()) {
      throw new IllegalArgumentException("there is no guiding prompt; give at least one");
    }
    if (!probabilities.isEmpty()) {
      if (scheduled || probabilities.size() != phrases.size()) {
        throw new IllegalArgumentException(
            "%d guiding_probabilities %s do not match %d guiding prompts; give one for each"
                .formatted(probabilities.size(), probabilities, scheduled ? 0 : phrases.size()));
      }
      double sum = probabilities.stream().mapToDouble(each -> each).sum();
      if (probabilities.stream().anyMatch(each -> !(each >= 0)) || Math.abs(sum - 1) > 1e-6) {
        throw new IllegalArgumentException(
            "guiding_probabilities %s are not from 0 to 1 with sum 1; change them"
                .formatted(probabilities));
      }
    }
  }

  /// One phrase for all.
  static GuidingPrompts only(String phrase) {
    return new GuidingPrompts(List.of(phrase), List.of(), false);
  }

  /// The phrases of a file, or the text itself where there is no such file.
  ///
  /// @throws IOException if the file cannot be read
  public static List<String> phrases(String textOrFile) throws IOException {
    return isFile(textOrFile) ? read(Path.of(textOrFile)) : List.of(textOrFile);
  }

  private static boolean isFile(String textOrFile) {
    try {
      Path path = Path.of(textOrFile); // a file, or a pipe
      return !textOrFile.isBlank() && Files.exists(path) && !Files.isDirectory(path);
    } catch (InvalidPathException noPath) {
      return false;
    }
  }

  /// The phrases of a file: a JSON list of texts, or one a line; empty lines are left out.
  ///
  /// @throws IOException if it cannot be read, or is neither
  public static List<String> read(Path file) throws IOException {
    String content = TextInput.readAll(file, LARGEST);
    if (!content.stripLeading().startsWith("[")) {
      return content.lines().filter(line -> !line.isBlank()).toList();
    }
    List<String> phrases = new ArrayList<>();
    try {
      for (JsonNode element : MAPPER.readTree(content)) {
        if (!element.isTextual()) {
          throw new IOException(
              "%s: element %d is not a text; write [\"Check this.\", ...]"
                  .formatted(file, phrases.size() + 1));
        }
        phrases.add(element.asText());
      }
    } catch (JsonProcessingException failure) {
      throw new IOException(
          "%s: starts with [ but is not a JSON list: %s"
              .formatted(file, failure.getOriginalMessage()),
          failure);
    }
    return Collections.unmodifiableList(phrases);
  }

  /// The phrase for a first answer.
  ///
  /// @param step of the run
  /// @param random decides where there is no schedule
  /// @param index of the answer in its step
  String choose(long step, RandomStream random, int index) {
    if (scheduled) {
      return phrases.get((int) (step % phrases.size()));
    }
    double drawn = random.at(index);
    if (probabilities.isEmpty()) {
      return phrases.get((int) (drawn * phrases.size()));
    }
    double sum = 0;
    int last = 0;
    for (int i = 0; i < phrases.size(); i++) {
      if (probabilities.get(i) > 0) {
        last = i;
        sum += probabilities.get(i);
        if (drawn < sum) {
          break;
        }
      }
    }
    return phrases.get(last);
  }
}
