package bitnet.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bitnet.data.BadRecordPolicy;
import bitnet.data.Benchmark;
import bitnet.data.QaRecord;
import bitnet.data.QaTemplate;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class FinalAnswerTest {
  private static final Path GSM8K = Path.of("../../shared/data/gsm8k-test.jsonl");

  /// A completion with its reference and whether it is right.
  ///
  /// @param why the rule by which that was decided: the graders of MATH, of Minerva and of GSM8K as
  ///     published, else common sense
  record Graded(String ref, String out, int expect, String why) {}

  static List<Graded> graded() throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    try (InputStream in = FinalAnswerTest.class.getResourceAsStream("final-answers.jsonl");
        MappingIterator<Graded> lines = mapper.readerFor(Graded.class).readValues(in)) {
      return lines.readAll();
    }
  }

  @ParameterizedTest
  @MethodSource("graded")
  void answersAreJudgedAsATeacherWould(Graded answer) {
    assertThat(FinalAnswer.isRight(answer.ref(), answer.out()))
        .as(answer.why())
        .isEqualTo(answer.expect() == 1);
    assertThat(new FinalAnswer().score("q", answer.ref(), answer.out()))
        .isEqualTo(RewardScore.of(answer.expect()));
  }

  @Test
  void answersMayChangePlaces() throws IOException {
    List<String> answers =
        graded().stream()
            .flatMap(it -> Stream.concat(Stream.of(it.ref()), FinalAnswer.of(it.out()).stream()))
            .distinct()
            .toList();
    assertThat(answers).hasSizeGreaterThan(300);
    List<AnswerValue> values = answers.stream().map(AnswerReader::read).toList();
    for (AnswerValue one : values) {
      for (AnswerValue other : values) {
        assertThat(FinalAnswer.agrees(one, other))
            .as("%s and %s", one, other)
            .isEqualTo(FinalAnswer.agrees(other, one));
      }
      assertThat(FinalAnswer.agrees(one, one)).as("%s", one).isTrue();
    }
  }

  /// A fraction in one of many spellings.
  private static String spelled(Random random, int top, int bottom) {
    String minus = top < 0 ? (random.nextBoolean() ? "-" : "\u2212 ") : "";
    int factor = 1 + random.nextInt(3);
    int above = Math.abs(top) * factor;
    int below = bottom * factor;
    return minus
        + switch (random.nextInt(6)) {
          case 0 -> above + "/" + below;
          case 1 -> "\\frac{%d}{%d}".formatted(above, below);
          case 2 -> "\\dfrac {%d} {%d}".formatted(above, below);
          case 3 -> above / below + " " + above % below + "/" + below;
          case 4 -> "%d\\frac{%d}{%d}".formatted(above / below, above % below, below);
          default -> "(%d \u00f7 %d)".formatted(above, below);
        };
  }

  @Test
  void spellingsAreTheSameExactlyWhereTheirValuesAre() {
    Random random = new Random(7);
    for (int i = 0; i < 3000; i++) {
      int[] top = random.ints(2, -9, 10).toArray();
      int[] bottom = random.ints(2, 1, 7).toArray();
      String one = spelled(random, top[0], bottom[0]);
      String other = spelled(random, top[1], bottom[1]);
      assertThat(FinalAnswer.isRight(one, "\\boxed{" + other + "}"))
          .as("%s and %s", one, other)
          .isEqualTo(top[0] * bottom[1] == top[1] * bottom[0]);
    }
  }

  /// A decimal number in one of many spellings.
  private static String spelled(Random random, BigDecimal value) {
    return switch (random.nextInt(7)) {
      case 0 -> value.toPlainString() + (value.scale() > 0 ? "00" : ".0");
      case 1 -> String.format(Locale.ROOT, "%,.3f", value);
      case 2 -> String.format(Locale.ROOT, "%,.3f", value).replace(",", "{,}");
      case 3 -> value.movePointLeft(3).toPlainString() + " \\times 10^{3}";
      case 4 -> value.movePointRight(2).toPlainString() + "e-2";
      case 5 -> value.movePointRight(2).toPlainString() + " / 100";
      default -> "x = " + value.toPlainString();
    };
  }

  @Test
  void numbersAreSameTransitively() {
    Random random = new Random(11);
    for (int i = 0; i < 2000; i++) {
      List<BigDecimal> values =
          random
              .ints(3, 0, 3)
              .mapToObj(it -> new BigDecimal(1234 + it).movePointLeft(it % 2 == 0 ? 1 : 0))
              .toList();
      List<String> texts = values.stream().map(value -> spelled(random, value)).toList();
      boolean first = FinalAnswer.isSame(texts.get(0), texts.get(1));
      boolean second = FinalAnswer.isSame(texts.get(1), texts.get(2));
      boolean both = FinalAnswer.isSame(texts.get(0), texts.get(2));
      assertThat(first).as("%s", texts).isEqualTo(values.get(0).compareTo(values.get(1)) == 0);
      if (first && second) {
        assertThat(both).as("%s", texts).isTrue();
      }
    }
  }

  @Test
  void theReferenceIsNotItsLastNumber() {
    assertThat(FinalAnswer.isRight("3 or 5", "5")).isFalse();
    assertThat(FinalAnswer.isRight("3 or 5", "3 or 5")).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "9 ~ 1000000",
        "1,000 ~ 100000",
        "9/ ~ 100000",
        "\\frac ~ 100000",
        "\\boxed{ ~ 100000",
        "( ~ 100000",
        "(aaaa( ~ 50000",
        "x= ~ 100000",
        "'1 ' ~ 100000",
        "'1, ' ~ 100000",
        "'- ' ~ 100000",
        "'Answer: ' ~ 100000",
        "'#### ' ~ 100000",
        "<think> ~ 100000",
        "** ~ 100000",
        "__ ~ 100000",
        "'# ' ~ 100000",
        "' is' ~ 100000",
        "'answer is ' ~ 50000",
        "9^ ~ 190",
        "9! ~ 190",
        "\\sqrt{ ~ 160",
        "\\text{ ~ 150",
        "1e999* ~ 150",
        "'m ' ~ 190",
        "((1,2), ~ 100",
        "\\pm1, ~ 100",
      })
  void hostileTextsCostLittle(String part, int times) {
    String whole = part.repeat(times);
    for (String text : List.of(whole, "\\boxed{%s5}".formatted(whole), "Answer: " + whole)) {
      assertTimeoutPreemptively(
          Duration.ofSeconds(20), () -> assertThat(FinalAnswer.isRight("7", text)).isFalse());
    }
  }

  @Test
  void aBoxThatIsNotClosedMarksNothing() {
    assertThat(FinalAnswer.isRight("5", "\\boxed{".repeat(1000) + "5")).isTrue();
    assertThat(FinalAnswer.isRight("1", "\\boxed{1} \\boxed{5")).isFalse();
  }

  @Test
  void theFinalAnswerCanBeHadAsItStands() {
    assertThat(FinalAnswer.of("<think>1</think>so \\boxed{\\frac{1}{2}}")).contains("\\frac{1}{2}");
    assertThat(FinalAnswer.of("it is 7, or 8")).contains("7, or 8");
    assertThat(FinalAnswer.of("so the area is 12 m^2.")).contains("12 m^2");
    assertThat(FinalAnswer.of("Paris ")).contains("Paris");
    assertThat(FinalAnswer.of("<think>1</think>")).isEmpty();
    assertThat(FinalAnswer.of("<think>1")).isEmpty();
  }

  @Test
  void everySolutionOfGsm8kIsRight() throws IOException {
    assumeTrue(
        Files.exists(GSM8K),
        "no GSM8K; save test.jsonl of github.com/openai/grade-school-math as "
            + GSM8K.toAbsolutePath().normalize());

    for (QaRecord record : Benchmark.GSM8K.load(GSM8K, BadRecordPolicy.STOP).records()) {
      String solution = record.reasoning().orElse("");
      assertThat(FinalAnswer.isRight(record.answer(), solution + "\n#### " + record.answer()))
          .isTrue();
      assertThat(FinalAnswer.isRight(record.answer(), QaTemplate.target(record))).isTrue();
      assertThat(FinalAnswer.isRight(record.answer() + "1", QaTemplate.target(record))).isFalse();
    }
  }
}
