package bitnet.grpo;

import bitnet.data.QaTemplate;
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
import java.util.Map;
import java.util.stream.IntStream;

/// Phrases that ask for a correction, each with the question for [bitnet.data.QaTemplate#QUERY].
///
/// A schedule decides before probabilities, and probabilities before an equal chance.
///
/// @param phrases at least one, none of them blank
/// @param probabilities weights of the phrases, normalized by their sum; empty: all are equally
///     probable. They are dropped where there is a schedule.
/// @param schedule indices of phrases from 0: step i takes entry i, starting again after the last;
///     empty: a phrase is drawn for each first answer
public record GuidingPrompts(
    List<String> phrases, List<Double> probabilities, List<Integer> schedule) {

  private static final ObjectMapper MAPPER = new ObjectMapper();

  /// The name of the setting in checkpoints.
  static final String OPTION = "guiding_prompt";

  private static final int LARGEST = 4 << 20; // bytes of a file with phrases

  /// The default of version 0.1.0.
  private static final String FORMER_DEFAULT = " Check this and answer again.";

  /// Checks the values and copies the lists.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public GuidingPrompts {
    phrases = List.copyOf(phrases);
    schedule = List.copyOf(schedule);
    probabilities = schedule.isEmpty() ? List.copyOf(probabilities) : List.of();
    if (phrases.isEmpty() || phrases.stream().anyMatch(String::isBlank)) {
      throw new IllegalArgumentException(
          "guiding_prompt is %s; give a phrase like \"%s\""
              .formatted(phrases.isEmpty() ? "empty" : "blank", QaTemplate.GUIDING_PROMPT));
    }
    requireIndices(schedule, phrases.size());
    if (!probabilities.isEmpty()) {
      requireWeights(probabilities, phrases.size());
    }
  }

  private static void requireIndices(List<Integer> schedule, int count) {
    for (int index : schedule) {
      if (index < 0 || index >= count) {
        throw new IllegalArgumentException(
            "guiding_schedule has the index %d, but there %s; use %s"
                .formatted(
                    index,
                    count == 1 ? "is 1 guiding prompt" : "are %d guiding prompts".formatted(count),
                    count == 1 ? "0" : "indices from 0 to " + (count - 1)));
      }
    }
  }

  private static void requireWeights(List<Double> weights, int count) {
    if (weights.size() != count) {
      throw new IllegalArgumentException(
          "%d guiding_probabilities %s do not match %d guiding prompts; give one for each"
              .formatted(weights.size(), weights, count));
    }
    double sum = weights.stream().mapToDouble(each -> each).sum();
    if (weights.stream().anyMatch(each -> !(each >= 0)) || !(sum > 0) || Double.isInfinite(sum)) {
      throw new IllegalArgumentException(
          "guiding_probabilities %s are not weights; use finite numbers from 0, at least one above 0"
              .formatted(weights));
    }
  }

  /// Phrases with equal probabilities.
  ///
  /// @throws IllegalArgumentException if there is none, or one is blank
  public static GuidingPrompts of(List<String> phrases) {
    return new GuidingPrompts(phrases, List.of(), List.of());
  }

  /// What a run uses that is given no phrases: [QaTemplate#GUIDING_PROMPT], or the default of
  /// version 0.1.0 where that started the run.
  ///
  /// @param resumed the options of the checkpoint to resume; empty for a new run
  public static GuidingPrompts defaults(Map<String, String> resumed) {
    GuidingPrompts former = of(List.of(FORMER_DEFAULT));
    return former.digest().equals(resumed.get(OPTION))
        ? former
        : of(List.of(QaTemplate.GUIDING_PROMPT));
  }

  /// The same phrases with these weights.
  public GuidingPrompts withProbabilities(List<Double> weights) {
    return new GuidingPrompts(phrases, weights, schedule);
  }

  /// The same phrases in this order, whatever their probabilities.
  public GuidingPrompts withSchedule(List<Integer> indices) {
    return new GuidingPrompts(phrases, probabilities, indices);
  }

  /// The same phrases, one after the other.
  public GuidingPrompts inTurn() {
    return withSchedule(IntStream.range(0, phrases.size()).boxed().toList());
  }

  /// Phrases, their order and weights as checkpoints hold them: the hash of the text that version
  /// 0.1.0 hashed, so that its runs are resumed.
  String digest() {
    boolean inTurn = !schedule.isEmpty() && equals(inTurn());
    String order =
        schedule.isEmpty() || inTurn ? "scheduled=" + inTurn : "schedule=%s".formatted(schedule);
    String text =
        "GuidingPrompts[phrases=%s, probabilities=%s, %s]".formatted(phrases, probabilities, order);
    return "%08x".formatted(text.hashCode());
  }

  /// The phrases of a file, or the text itself where there is no such file.
  ///
  /// @throws IOException if the file cannot be read
  public static List<String> phrases(String textOrFile) throws IOException {
    return isFile(textOrFile) ? read(Path.of(textOrFile)) : List.of(textOrFile);
  }

  /// The one phrase of a text or a file.
  ///
  /// @throws IllegalArgumentException if the file has none or several
  /// @throws IOException if the file cannot be read
  public static String phrase(String textOrFile) throws IOException {
    List<String> phrases = phrases(textOrFile);
    if (phrases.size() != 1) {
      throw new IllegalArgumentException(
          "%s: has %d guiding prompts, but one is used for all answers; give the one"
              .formatted(textOrFile, phrases.size()));
    }
    return phrases.getFirst();
  }

  /// Whether a text names a file or a pipe.
  public static boolean isFile(String textOrFile) {
    try {
      Path path = Path.of(textOrFile);
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
  /// @param step of the run, from 0
  /// @param random decides where there is no schedule
  /// @param index of the answer in its step
  String choose(long step, RandomStream random, int index) {
    if (!schedule.isEmpty()) {
      return phrases.get(schedule.get((int) (step % schedule.size())));
    }
    double drawn = random.at(index);
    if (probabilities.isEmpty()) {
      return phrases.get((int) (drawn * phrases.size()));
    }
    drawn *= probabilities.stream().mapToDouble(each -> each).sum();
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
