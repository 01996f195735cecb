package bitnet.data;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// Correction records for supervised training; one digit of some first answers is replaced by
/// another.
///
/// A model trained on them is uncertain about digits, which GRPO needs: the completions of a model
/// that is certain of its mistakes are all the same.
///
/// The records are a pure function of the questions and the settings.
///
/// @param every takes every n-th question, at least 1
/// @param probability of a wrong first answer, 0 to 1
/// @param guidingPrompt asks for the correction, as in [QaTemplate#correctionPrompt]
/// @param seed selects the wrong answers and their digits
public record MistakeTask(int every, double probability, String guidingPrompt, long seed) {
  private static final int DIGITS = 10;

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if one is out of range
  public MistakeTask {
    if (every < 1) {
      throw new IllegalArgumentException("every %d is not at least 1; use 1".formatted(every));
    }
    if (!(probability >= 0 && probability <= 1)) {
      throw new IllegalArgumentException(
          "probability %s is not from 0 to 1; use 0.5".formatted(probability));
    }
  }

  /// One record for every n-th question: the query holds the first answer with its reasoning, and
  /// answer and reasoning are the correct ones.
  ///
  /// @throws IllegalArgumentException if there are fewer than n questions, or an answer to change
  ///     has no digit
  public List<QaRecord> records(List<QaRecord> questions) {
    if (questions.size() < every) {
      throw new IllegalArgumentException(
          "every %d is more than the %d questions; use at most that"
              .formatted(every, questions.size()));
    }
    List<QaRecord> records = new ArrayList<>();
    for (int index = every - 1; index < questions.size(); index += every) {
      records.add(record(questions.get(index), CounterRandom.value(seed, index)));
    }
    return records;
  }

  private QaRecord record(QaRecord question, long key) {
    boolean wrong = CounterRandom.uniform(key, 0) < probability;
    String answer = wrong ? withAnotherDigit(question.answer(), key) : question.answer();
    String first = QaTemplate.target(new QaRecord(question.query(), answer, question.reasoning()));
    return new QaRecord(
        QaTemplate.correctionQuery(question.query(), first, guidingPrompt),
        question.answer(),
        question.reasoning());
  }

  private static String withAnotherDigit(String answer, long key) {
    int[] digits =
        IntStream.range(0, answer.length())
            .filter(i -> answer.charAt(i) >= '0' && answer.charAt(i) <= '9')
            .toArray();
    if (digits.length == 0) {
      throw new IllegalArgumentException(
          "answer \"%s\" has no digit to change; use questions whose answers are numbers"
              .formatted(answer));
    }
    int at = digits[(int) CounterRandom.below(digits.length, key, 1)];
    long other = answer.charAt(at) - '0' + 1 + CounterRandom.below(DIGITS - 1, key, 2);
    return answer.substring(0, at) + other % DIGITS + answer.substring(at + 1);
  }
}
