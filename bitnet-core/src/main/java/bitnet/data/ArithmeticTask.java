package bitnet.data;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.stream.Collectors;

/// Made-up arithmetic with worked steps, small enough for a model of a few million parameters:
/// query `47+85=`, reasoning `7+5=12;4+8+1=13`, answer `132`.
///
/// Numbers have up to `digits` digits and no result is negative. A sum or difference of longer
/// numbers is worked out by columns from the units, a carry added or a borrow taken from the next
/// column; a product by the digits of its right factor. A chain of several operations is evaluated
/// from left to right, with brackets where that needs them, and says the result of each.
///
/// Questions that differ only in the order of operands, as `47+85=` and `85+47=`, are commuted
/// twins: [#split] keeps them on one side of a split.
///
/// The records are a pure function of the settings.
///
/// @param digits of a number at most, 1 to 6
/// @param operations of `+`, `-` and `*`, as characters, each drawn as often
/// @param steps operations in a question, 1 to 8
/// @param reasoning whether the records say the steps
/// @param seed selects the questions and their order
public record ArithmeticTask(
    int digits, String operations, int steps, boolean reasoning, long seed) {
  private static final int MAX_DIGITS = 6;
  private static final int MAX_STEPS = 8;
  private static final int MAX_PRODUCT_DIGITS = 18;
  private static final int MAX_COUNT = 10_000_000;

  /// Draws in vain before the questions count as used up: 100 for each that was found makes it
  /// next to impossible to miss one.
  private static final int PATIENCE = 100;

  /// Questions drawn beyond those asked for, so that whole sets of twins add up to a split.
  private static final int MOST_SURPLUS = 20;

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if one is out of range or an operation is unknown
  public ArithmeticTask {
    if (digits < 1 || digits > MAX_DIGITS) {
      throw new IllegalArgumentException(
          "digits %d is not from 1 to %d; use 2".formatted(digits, MAX_DIGITS));
    }
    if (steps < 1 || steps > MAX_STEPS) {
      throw new IllegalArgumentException(
          "steps %d is not from 1 to %d; use 1".formatted(steps, MAX_STEPS));
    }
    if (operations.isEmpty()) {
      throw new IllegalArgumentException("ops is empty; use some of + - *, for example +-");
    }
    operations.chars().forEach(ArithmeticOperation::of);
    if (operations.indexOf('*') >= 0 && digits * (steps + 1) > MAX_PRODUCT_DIGITS) {
      throw new IllegalArgumentException(
          "digits %d with steps %d make products of %d digits; at most %d are computed, ask for less"
              .formatted(digits, steps, digits * (steps + 1), MAX_PRODUCT_DIGITS));
    }
  }

  /// Distinct questions with their answers.
  ///
  /// @param count how many
  /// @throws IllegalArgumentException if it is below 1 or exceeds the number of different questions
  public List<QaRecord> records(long count) {
    return require(draw(count), count).stream().map(Question::record).toList();
  }

  /// Two sets of distinct questions; no question of one is a commuted twin of a question of the
  /// other.
  ///
  /// @param training to learn from
  /// @param heldOut to evaluate on
  public record Split(List<QaRecord> training, List<QaRecord> heldOut) {}

  /// Questions to learn from and questions to evaluate on, without commuted twins across.
  ///
  /// @param training how many
  /// @param heldOut how many
  /// @throws IllegalArgumentException if one is below 1, or there are too few different questions
  public Split split(int training, int heldOut) {
    if (training < 1 || heldOut < 1) {
      throw new IllegalArgumentException(
          "count %d and eval_count %d must be at least 1".formatted(training, heldOut));
    }
    long count = (long) training + heldOut;
    List<Question> questions = require(draw(count), count);
    for (int surplus = 1; ; surplus++) { // with more questions the sets of twins fit sooner
      Set<String> kept = heldOutTwins(questions, heldOut);
      if (!kept.isEmpty()) {
        return new Split(
            questions.stream()
                .filter(each -> !kept.contains(each.twins()))
                .limit(training)
                .map(Question::record)
                .toList(),
            questions.stream()
                .filter(each -> kept.contains(each.twins()))
                .map(Question::record)
                .toList());
      }
      List<Question> more = surplus > MOST_SURPLUS ? questions : draw(count + surplus);
      if (more.size() <= questions.size()) {
        throw new IllegalArgumentException(
            "eval_count %d: no sets of questions that differ only in the order of operands were found"
                    .formatted(heldOut)
                + " to make it up; use another eval_count or a lower count");
      }
      questions = more;
    }
  }

  /// Sets of commuted twins with `count` questions together, chosen from the last question
  /// backwards; empty if this choice does not reach the count exactly.
  private static Set<String> heldOutTwins(List<Question> questions, int count) {
    Map<String, Integer> sizes = new LinkedHashMap<>();
    questions.reversed().forEach(each -> sizes.merge(each.twins(), 1, Integer::sum));
    Set<String> kept = new HashSet<>();
    int left = count;
    for (Map.Entry<String, Integer> twins : sizes.entrySet()) {
      if (twins.getValue() <= left) {
        kept.add(twins.getKey());
        left -= twins.getValue();
      }
    }
    return left == 0 ? kept : Set.of();
  }

  /// @param twins equal for commuted twins, and for no other questions
  private record Question(QaRecord record, String twins) {}

  private List<Question> require(List<Question> questions, long count) {
    if (questions.size() < count) {
      throw new IllegalArgumentException(
          "digits %d, ops %s, steps %d give only %d different questions, not %d;"
                  .formatted(digits, operations, steps, questions.size(), count)
              + " ask for fewer, or for more digits or steps");
    }
    return questions;
  }

  /// Distinct questions; fewer than `count` if the settings allow no more.
  private List<Question> draw(long count) {
    if (count < 1 || count > MAX_COUNT) {
      throw new IllegalArgumentException(
          "count %d is not from 1 to %d; make several files".formatted(count, MAX_COUNT));
    }
    List<ArithmeticOperation> choice =
        operations.chars().mapToObj(ArithmeticOperation::of).distinct().toList();
    Map<String, Question> questions = new LinkedHashMap<>();
    long vain = 0;
    for (long index = 0; questions.size() < count; index++) {
      Question question = question(choice, CounterRandom.value(seed, index));
      vain = questions.putIfAbsent(question.record().query(), question) == null ? 0 : vain + 1;
      if (vain > PATIENCE * (questions.size() + 1L)) {
        break;
      }
    }
    return List.copyOf(questions.values());
  }

  /// The question that a key stands for.
  private Question question(List<ArithmeticOperation> choice, long key) {
    long bound = Math.round(Math.pow(10, digits));
    Chain chain = new Chain(CounterRandom.below(bound, key, 0));
    for (int step = 1; step <= steps; step++) {
      ArithmeticOperation operation =
          choice.get((int) CounterRandom.below(choice.size(), key, -step));
      long right = CounterRandom.below(bound, key, step);
      if (operation == ArithmeticOperation.SUBTRACT && right > chain.value) {
        if (step == 1) {
          long larger = right;
          right = chain.value;
          chain = new Chain(larger);
        } else {
          right %= chain.value + 1; // what stands to the left cannot be swapped any more
        }
      }
      chain.add(operation, right, steps > 1);
    }
    QaRecord record =
        new QaRecord(
            chain.expression + "=",
            Long.toString(chain.value),
            reasoning ? Optional.of(String.join(";", chain.way)) : Optional.empty());
    return new Question(record, chain.twins());
  }

  /// An expression that grows to the right.
  private static final class Chain {
    private long value;
    private String expression;
    private boolean sum; // whether brackets are needed before a product
    private final List<String> way = new ArrayList<>();
    private final List<String> operands = new ArrayList<>(); // of the last sum or product

    Chain(long value) {
      this.value = value;
      this.expression = Long.toString(value);
    }

    /// The operands of sums and products in an order of their own, so that it is the same whatever
    /// their order in the question; what is subtracted keeps its sign.
    String twins() {
      return operands.stream().sorted().collect(Collectors.joining(",", "(", ")"));
    }

    void add(ArithmeticOperation operation, long right, boolean conclude) {
      boolean multiplies = operation == ArithmeticOperation.MULTIPLY;
      String left = multiplies && sum ? "(" + expression + ")" : expression;
      if (operands.isEmpty() || multiplies == sum) {
        String before = operands.isEmpty() ? expression : twins();
        operands.clear();
        operands.add((multiplies ? "*" : "+") + before);
      }
      operands.add(operation.symbol() + Long.toString(right));
      expression = left + operation.symbol() + right;
      sum = !multiplies;
      way.addAll(workedSteps(operation, value, right, conclude));
      value = operation.apply(value, right);
    }
  }

  /// The way to one result.
  ///
  /// @param conclude whether the whole equation is said after its columns
  private static List<String> workedSteps(
      ArithmeticOperation operation, long left, long right, boolean conclude) {
    String equation = operation.equation(left, right);
    List<String> way =
        new ArrayList<>(
            switch (operation) {
              case ADD -> sumColumns(left, right);
              case SUBTRACT -> differenceColumns(left, right);
              case MULTIPLY -> partialProducts(left, right);
            });
    if (way.size() < 2) {
      return List.of(equation);
    }
    if (conclude) {
      way.add(equation);
    }
    return way;
  }

  private static List<String> sumColumns(long left, long right) {
    List<String> columns = new ArrayList<>();
    long carry = 0;
    for (long a = left, b = right; a > 0 || b > 0; a /= 10, b /= 10) {
      long sum = a % 10 + b % 10 + carry;
      columns.add("%d+%d%s=%d".formatted(a % 10, b % 10, carry > 0 ? "+1" : "", sum));
      carry = sum / 10;
    }
    return columns;
  }

  private static List<String> differenceColumns(long left, long right) {
    List<String> columns = new ArrayList<>();
    long borrow = 0;
    for (long a = left, b = right; a > 0; a /= 10, b /= 10) {
      long lacking = a % 10 - borrow < b % 10 ? 1 : 0;
      long top = a % 10 + 10 * lacking;
      columns.add(
          "%d-%d%s=%d".formatted(top, b % 10, borrow > 0 ? "-1" : "", top - b % 10 - borrow));
      borrow = lacking;
    }
    return columns;
  }

  private static List<String> partialProducts(long left, long right) {
    List<String> products = new ArrayList<>();
    StringJoiner sum = new StringJoiner("+");
    long unit = 1;
    for (long b = right; b > 0; b /= 10, unit *= 10) {
      long part = b % 10 * unit;
      products.add(ArithmeticOperation.MULTIPLY.equation(left, part));
      sum.add(Long.toString(left * part));
    }
    if (products.size() > 1) {
      products.add("%s=%d".formatted(sum, left * right));
    }
    return products;
  }
}
