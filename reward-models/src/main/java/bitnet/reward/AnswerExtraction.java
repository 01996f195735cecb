package bitnet.reward;

import bitnet.data.BoxedAnswer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Where a completion has its final answer: see [FinalAnswer].
final class AnswerExtraction {
  private static final Pattern ANSWER_LINE =
      Pattern.compile(
          "(?im)\\banswer(?:\\*\\*|__)?\\s*(?:is\\s*)?[:\uff1a](?:\\*\\*|__)?([^\\n]*)"
              + "|^[#*_ ]*(?:the |my )?(?:final )?answer[*_ ]*$()"
              + "|\\banswer (?:is|equals|=)(?![\\p{L}])([^\\n]*)");
  private static final Pattern HEADING = Pattern.compile("(?i)\\s*(?:final )?answer\\W*");
  private static final Pattern STEP = Pattern.compile("(?i)(?:step|part|case|solution)\\b.*");
  private static final Pattern LEAD =
      Pattern.compile(
          "(?i)^(?:so |thus |therefore,? |hence,? )?(?:the |my )?(?:final )?answer(?: is|:){1,9}\\s*:?");
  private static final Pattern DELIMITERS = Pattern.compile("\\\\[\\[\\]()]|\\$\\$|```\\w*");
  private static final Pattern SENTENCE_END = Pattern.compile("(?<=[^\\s.])[.!?](?=\\s|\\*\\*|$)");
  private static final Pattern CLAUSE_END =
      Pattern.compile(
          "(?i),?\\s(?:and not|not|rather than|instead of|because|since|as|so|which|where|when|for|after)\\s|\\s[\u2014-]{1,2}\\s(?=\\p{L}{2})");
  private static final Pattern PROSE =
      Pattern.compile("(?<![\\\\\\p{L}])(?!and\\b|or\\b)\\p{L}{2,}");
  private static final int LONGEST = 400;

  private AnswerExtraction() {}

  /// The answer that a text marks, as it stands there; empty where it marks none.
  static Optional<String> marked(String text) {
    return BoxedAnswer.last(text).or(() -> afterHashes(text)).or(() -> afterAnswer(text));
  }

  /// What may be the answer of a text, best first: the marked one, else the last number or
  /// expression, the list that ends with it, and the whole, which comes first where it has no
  /// words.
  static List<String> candidates(String text) {
    Optional<String> boxed = BoxedAnswer.last(text);
    if (boxed.isPresent()) {
      return List.of(boxed.get());
    }
    Optional<String> marked = marked(text);
    if (marked.isPresent()) {
      return Stream.concat(narrowed(marked.get()).stream(), Stream.of(marked.get()))
          .distinct()
          .toList();
    }
    List<String> candidates = new ArrayList<>(MathRuns.last(text));
    if (text.length() <= LONGEST) {
      candidates.add(PROSE.matcher(text).find() ? candidates.size() : 0, text.strip());
    }
    return candidates;
  }

  /// `####` marks the rest of its line, unless that is a heading of Markdown with a text below.
  private static Optional<String> afterHashes(String text) {
    int hashes = text.lastIndexOf("####");
    if (hashes < 0) {
      return Optional.empty();
    }
    String rest = text.substring(hashes + 4).replaceFirst("^#+", "").strip();
    String line = rest.lines().findFirst().orElse("");
    String below = rest.substring(line.length()).strip();
    if (ANSWER_LINE.matcher(rest).find() || HEADING.matcher(line).matches()) {
      return afterAnswer(rest);
    }
    boolean heading =
        !below.isEmpty()
            && (STEP.matcher(line).matches() || !AnswerReader.read(line).isMathematical());
    return heading ? Optional.empty() : Optional.of(line);
  }

  /// What follows the last `Answer:` or "answer is": the rest of the line or the next line that
  /// says something.
  private static Optional<String> afterAnswer(String text) {
    Matcher line = ANSWER_LINE.matcher(text);
    int end = -1;
    String rest = "";
    while (line.find()) {
      end = line.end();
      String found = line.group(1) != null ? line.group(1) : line.group(3);
      rest = found == null ? "" : found;
    }
    if (end < 0) {
      return Optional.empty();
    }
    String content = content(rest);
    if (!content.isEmpty()) {
      return Optional.of(content);
    }
    return text.substring(end)
        .lines()
        .map(next -> content(next.replaceFirst("^\\s*>\\s+", "")))
        .filter(next -> !next.isEmpty())
        .findFirst()
        .or(() -> Optional.of(""));
  }

  /// Without delimiters of mathematics and emphasis around it.
  private static String content(String line) {
    String text = DELIMITERS.matcher(line).replaceAll(" ").strip();
    text = LEAD.matcher(text).replaceFirst("").strip();
    text = withoutMarkup(text).strip();
    text = text.replaceFirst("(?i)^(?:option|choice) (?=\\(?[a-z]\\)?[.:]?$)", "");
    return text.matches("[$*_`>#]*") ? "" : text;
  }

  /// The part of a marked text that can be computed with, then its first sentence.
  private static List<String> narrowed(String marked) {
    if (marked.length() > LONGEST * 4) {
      return List.of();
    }
    String text = marked.endsWith("!") ? marked.substring(0, marked.length() - 1) : marked;
    if (AnswerReader.read(text).isMathematical()) {
      return List.of(text);
    }
    String sentence = sentence(text);
    Matcher clause = CLAUSE_END.matcher(sentence);
    String head = clause.find() ? sentence.substring(0, clause.start()) : sentence;
    return AnswerReader.read(head).isMathematical()
        ? List.of(head.strip())
        : Stream.concat(MathRuns.only(head).stream(), Stream.of(sentence.strip())).toList();
  }

  private static String sentence(String text) {
    Matcher end = SENTENCE_END.matcher(text);
    while (end.find()) {
      if (isOutsideOfMath(text, end.start())) {
        return text.substring(0, end.start());
      }
    }
    return text;
  }

  private static boolean isOutsideOfMath(String text, int place) {
    return text.substring(0, place).chars().filter(it -> it == '$').count() % 2 == 0;
  }

  /// A text without the marks of Markdown around it: emphasis at both ends, a heading in front. A
  /// loop, since a pattern that repeats alternatives needs a stack as deep as the text is long.
  private static String withoutMarkup(String text) {
    int start = 0;
    int next = afterMark(text, start);
    while (next > start) {
      start = next;
      next = afterMark(text, start);
    }
    int end = text.length();
    while (end - 2 >= start && (text.startsWith("**", end - 2) || text.startsWith("__", end - 2))) {
      end -= 2;
    }
    return text.substring(start, end);
  }

  /// Where a mark at a position ends; the position itself if there is none.
  private static int afterMark(String text, int position) {
    if (text.startsWith("**", position) || text.startsWith("__", position)) {
      return position + 2;
    }
    int end = position;
    while (end < text.length() && text.charAt(end) == '#') {
      end++;
    }
    return end > position && end < text.length() && text.charAt(end) == ' ' ? end + 1 : position;
  }
}
