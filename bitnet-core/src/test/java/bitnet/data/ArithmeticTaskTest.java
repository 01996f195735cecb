package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArithmeticTaskTest {

  /// A value by the rules of arithmetic: products before sums, brackets before all.
  private static BigInteger value(String expression) {
    return new Reader(expression).sum();
  }

  private static final class Reader {
    private final String text;
    private int at;

    Reader(String text) {
      this.text = text;
    }

    private boolean takes(char symbol) {
      boolean there = at < text.length() && text.charAt(at) == symbol;
      at += there ? 1 : 0;
      return there;
    }

    BigInteger sum() {
      BigInteger value = product();
      while (true) {
        if (takes('+')) {
          value = value.add(product());
        } else if (takes('-')) {
          value = value.subtract(product());
        } else {
          return value;
        }
      }
    }

    private BigInteger product() {
      BigInteger value = factor();
      while (takes('*')) {
        value = value.multiply(factor());
      }
      return value;
    }

    private BigInteger factor() {
      if (takes('(')) {
        BigInteger value = sum();
        assertThat(takes(')')).isTrue();
        return value;
      }
      int start = at;
      while (at < text.length() && Character.isDigit(text.charAt(at))) {
        at++;
      }
      return new BigInteger(text.substring(start, at));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, +, 1, 60", "2, +, 1, 500", "3, -, 1, 500", "2, *, 1, 500", "2, +-*, 3, 500"})
  void everyAnswerAndEveryStepIsTrueAndNoQuestionComesTwice(
      int digits, String operations, int steps, int count) {
    List<QaRecord> records = new ArithmeticTask(digits, operations, steps, true, 7).records(count);

    assertThat(records).hasSize(count);
    assertThat(new HashSet<>(records.stream().map(QaRecord::query).toList())).hasSize(count);
    for (QaRecord record : records) {
      assertThat(record.query()).endsWith("=").doesNotMatch(".*\\d{" + (digits + 1) + "}.*");
      String expression = record.query().substring(0, record.query().length() - 1);
      assertThat(new BigInteger(record.answer()))
          .as(expression)
          .isEqualTo(value(expression))
          .isNotNegative();
      for (String step : record.reasoning().orElseThrow().split(";", -1)) {
        String[] sides = step.split("=", -1);
        assertThat(sides).hasSize(2);
        assertThat(value(sides[0])).as(step).isEqualTo(new BigInteger(sides[1]));
      }
    }
  }

  @Test
  void stepsAreWorkedByColumnsFromTheUnits() {
    List<QaRecord> sums = new ArithmeticTask(2, "+", 1, true, 0).records(10_000);
    assertThat(reasoning(sums, "47+85=")).isEqualTo("7+5=12;4+8+1=13");
    assertThat(reasoning(sums, "12+7=")).isEqualTo("2+7=9;1+0=1");
    assertThat(reasoning(sums, "3+4=")).isEqualTo("3+4=7");
    List<QaRecord> differences = new ArithmeticTask(2, "-", 1, true, 0).records(5050);
    assertThat(reasoning(differences, "42-17=")).isEqualTo("12-7=5;4-1-1=2");
    List<QaRecord> products = new ArithmeticTask(2, "*", 1, true, 0).records(10_000);
    assertThat(reasoning(products, "12*34=")).isEqualTo("12*4=48;12*30=360;48+360=408");
    List<QaRecord> chains = new ArithmeticTask(1, "+*", 2, true, 0).records(4000);
    assertThat(reasoning(chains, "(3+4)*5=")).isEqualTo("3+4=7;7*5=35");
    assertThat(reasoning(chains, "3*4+9=")).isEqualTo("3*4=12;2+9=11;1+0+1=2;12+9=21");
  }

  private static String reasoning(List<QaRecord> records, String query) {
    return records.stream()
        .filter(record -> record.query().equals(query))
        .findFirst()
        .flatMap(QaRecord::reasoning)
        .orElse("no such question");
  }

  @Test
  void theSameSeedMakesTheSameRecordsAndAnotherSeedOthers() {
    List<QaRecord> records = new ArithmeticTask(2, "+-", 1, true, 3).records(100);

    assertThat(new ArithmeticTask(2, "+-", 1, true, 3).records(200).subList(0, 100))
        .isEqualTo(records);
    assertThat(new ArithmeticTask(2, "+-", 1, true, 4).records(100)).isNotEqualTo(records);
  }

  @Test
  void eachOperationIsDrawnAboutAsOften() {
    List<QaRecord> records = new ArithmeticTask(3, "+-*", 1, false, 1).records(3000);

    for (String operation : List.of("+", "-", "*")) {
      assertThat(records.stream().filter(record -> record.query().contains(operation)).count())
          .isBetween(900L, 1100L);
    }
    assertThat(records).allMatch(record -> record.reasoning().isEmpty());
  }

  /// All orders of the operands of sums and of products, by brute force: the values of the question
  /// read as a tree whose children are sorted.
  private static String sortedOperands(String query) {
    return new SortedReader(query.replace("=", "")).sum();
  }

  private static final class SortedReader {
    private final String text;
    private int at;

    SortedReader(String text) {
      this.text = text;
    }

    private char next() {
      return at < text.length() ? text.charAt(at) : '.';
    }

    String sum() {
      List<String> terms = new ArrayList<>(List.of("+" + product()));
      while (next() == '+' || next() == '-') {
        char sign = text.charAt(at++);
        terms.add(sign + product());
      }
      Collections.sort(terms);
      return terms.toString();
    }

    private String product() {
      List<String> factors = new ArrayList<>(List.of(factor()));
      while (next() == '*') {
        at++;
        factors.add(factor());
      }
      Collections.sort(factors);
      return factors.toString();
    }

    private String factor() {
      if (next() == '(') {
        at++;
        String inner = sum();
        at++;
        return inner;
      }
      int start = at;
      while (Character.isDigit(next())) {
        at++;
      }
      return text.substring(start, at);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, +, 1, 80, 20", // all questions there are
    "1, +, 1, 79, 21",
    "1, +, 1, 1, 1",
    "1, *, 1, 50, 49",
    "2, +, 1, 4000, 200",
    "2, -, 1, 5000, 50",
    "1, +-*, 2, 1500, 500",
    "1, +*, 3, 3000, 1000",
  })
  void noHeldOutQuestionHasACommutedTwinInTraining(
      int digits, String operations, int steps, int count, int heldOut) {
    for (int seed = 0; seed < 5; seed++) {
      ArithmeticTask.Split split =
          new ArithmeticTask(digits, operations, steps, true, seed).split(count, heldOut);

      assertThat(split.training()).hasSize(count);
      assertThat(split.heldOut()).hasSize(heldOut);
      Set<String> all = new HashSet<>();
      split.training().forEach(record -> all.add(record.query()));
      split.heldOut().forEach(record -> all.add(record.query()));
      assertThat(all).hasSize(count + heldOut);
      assertThat(split.heldOut().stream().map(record -> sortedOperands(record.query())))
          .doesNotContainAnyElementsOf(
              split.training().stream().map(record -> sortedOperands(record.query())).toList());
    }
  }

  @Test
  void splitOfMoreQuestionsThanThereAreIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ArithmeticTask(1, "+", 1, true, 0).split(90, 11))
        .withMessageContaining("only 100 different questions, not 101");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ArithmeticTask(1, "+", 1, true, 0).split(0, 11))
        .withMessageContaining("count 0 and eval_count 11 must be at least 1");
    // all 100 sums are in sets of one or two, and the sets drawn first are pairs
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ArithmeticTask(1, "+", 1, true, 0).split(3, 97))
        .withMessageContaining("eval_count 97: no sets of questions");
  }

  @Test
  void allQuestionsThereAreCanBeHadAndNotOneMore() {
    ArithmeticTask task = new ArithmeticTask(1, "+", 1, true, 0);

    assertThat(task.records(100)).hasSize(100);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> task.records(101))
        .withMessageStartingWith("digits 1, ops +, steps 1 give only 100 different questions, not");
  }

  @ParameterizedTest
  @CsvSource({
    "0, +, 1, digits 0 is not from 1 to 6",
    "7, +, 1, digits 7 is not from 1 to 6",
    "2, +, 0, steps 0 is not from 1 to 8",
    "2, +, 9, steps 9 is not from 1 to 8",
    "2, '', 1, ops is empty",
    "2, +/, 1, ops has \"/\"",
    "6, +*, 3, at most 18 are computed",
  })
  void settingsOutOfRangeAreRefused(int digits, String operations, int steps, String said) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ArithmeticTask(digits, operations, steps, true, 0))
        .withMessageContaining(said);
  }
}
