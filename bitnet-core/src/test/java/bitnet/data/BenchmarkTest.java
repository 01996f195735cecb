package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class BenchmarkTest {
  private static final Path GSM8K = Path.of("../../shared/data/gsm8k-test.jsonl");

  @TempDir private Path directory;

  private Path file(String text) throws IOException {
    return Files.writeString(directory.resolve("test.jsonl"), text.replace('\'', '"'));
  }

  @Test
  void theWholePublishedGsm8kIsRead() throws IOException {
    assumeTrue(
        Files.exists(GSM8K),
        "no GSM8K; save test.jsonl of github.com/openai/grade-school-math as "
            + GSM8K.toAbsolutePath().normalize());

    QaDataset dataset = Benchmark.GSM8K.load(GSM8K, BadRecordPolicy.STOP);

    assertThat(dataset.records()).hasSize(1319);
    assertThat(dataset.records().getFirst().query()).startsWith("Janet\u2019s ducks lay 16 eggs");
    assertThat(dataset.records().getFirst().answer()).isEqualTo("18");
    assertThat(dataset.records().getFirst().reasoning().orElseThrow())
        .startsWith("Janet sells")
        .endsWith("market.");
    assertThat(dataset.records()).allMatch(record -> record.answer().matches("-?[\\d,.]+"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '%',
      quoteCharacter = '`',
      value = {
        "GSM8K % {'question':'q','answer':'way\\n#### 1,234'} % 1,234 % way",
        "MATH % {'problem':'q','level':'Level 1','type':'Algebra','solution':'So"
            + " $\\\\boxed{\\\\frac{1}{2}}$.'} % \\frac{1}{2} % So $\\boxed{\\frac{1}{2}}$.",
        "MATH % {'problem':'q','solution':'x is $\\\\boxed 2$.'} % 2 % x is $\\boxed 2$.",
        "MATH % {'problem':'q','solution':'It is \\\\fbox{2}.'} % 2 % It is \\fbox{2}.",
        "MATH % {'problem':'q','solution':'$\\\\boxed\\\\frac{1}{2}$.'} % \\frac{1}{2} %"
            + " $\\boxed\\frac{1}{2}$.",
        "MATH % {'problem':'q','solution':'way','answer':'7','unique_id':'test/1'} % 7 % way",
        "MINERVA_MATH % {'problem':'q','solution':'\\\\boxed{4e33}','type':'t','idx':0} % 4e33 %"
            + " \\boxed{4e33}",
        "MINERVA_MATH % {'question':'q','answer':'4e33'} % 4e33 % ``",
        "OLYMPIAD_BENCH %"
            + " {'id':1,'question':'q','solution':['a','b'],'final_answer':['2','3'],'context':null}"
            + " % 2, 3 % a¶b",
        "OLYMPIAD_BENCH % {'question':'q','final_answer':['$2$']} % $2$ % ``",
      })
  void publishedLayoutsAreRead(Benchmark benchmark, String line, String answer, String reasoning)
      throws IOException {
    assertThat(benchmark.load(file(line), BadRecordPolicy.STOP).records())
        .containsExactly(
            new QaRecord(
                "q",
                answer,
                Optional.of(reasoning.replace('¶', '\n')).filter(text -> !text.isEmpty())));
  }

  @Test
  void theContextComesBeforeItsQuestion() throws IOException {
    Path file = file("{'question':'q','final_answer':['2'],'context':'Let x=1.'}");
    assertThat(Benchmark.OLYMPIAD_BENCH.load(file, BadRecordPolicy.STOP).records())
        .extracting(QaRecord::query)
        .containsExactly("Let x=1.\nq");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '%',
      quoteCharacter = '`',
      value = {
        "GSM8K % {'question':'q','answer':'18'} % the field \"answer\" has no \"#### answer\"",
        "MATH % {'problem':'q','solution':'7'} % the field \"solution\" has no \\boxed{...}",
        "MATH % {'question':'q','answer':'7'} % the record has no field \"problem\"",
        "OLYMPIAD_BENCH % {'question':'q','final_answer':null} % the field \"final_answer\" is"
            + " null",
        "OLYMPIAD_BENCH % {'question':'q','final_answer':[]} % the field \"final_answer\" is empty",
        "OLYMPIAD_BENCH % {'question':'q','final_answer':[2]} % the field \"final_answer\" is a"
            + " number",
      })
  void anotherLayoutIsRefusedByLine(Benchmark benchmark, String line, String said)
      throws IOException {
    Path file = file(line);
    assertThatThrownBy(() -> benchmark.load(file, BadRecordPolicy.STOP))
        .isInstanceOf(BadRecordException.class)
        .hasMessageStartingWith(file + ":1: " + said);
  }

  @ParameterizedTest
  @EnumSource
  void aSetThatIsNotThereNamesPathLayoutAndSource(Benchmark benchmark) throws IOException {
    Path missing = directory.resolve("missing.jsonl");
    Path arrow = Files.writeString(directory.resolve("test.arrow"), "ARROW1....");

    assertThatThrownBy(() -> benchmark.load(missing, BadRecordPolicy.STOP))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(missing + ": no such file; " + benchmark.key())
        .hasMessageContainingAll("JSONL or Parquet like {", "https://");
    assertThatThrownBy(() -> benchmark.load(arrow, BadRecordPolicy.STOP))
        .hasMessageContainingAll(
            "is an Arrow file, not JSONL; convert it with", "Parquet like {", "https://");
    assertThatThrownBy(() -> benchmark.load(directory, BadRecordPolicy.STOP))
        .hasMessageContaining("has no file named .jsonl");
  }

  @Test
  void namesAreThoseOfTheCommandLine() {
    assertThat(Benchmark.values()).allMatch(it -> Benchmark.of(it.key()) == it);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Benchmark.of("gsm"))
        .withMessage(
            "benchmark \"gsm\" is unknown; use one of gsm8k, math, math500, minerva_math,"
                + " olympiad_bench");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '%',
      quoteCharacter = '`',
      nullValues = "none",
      value = {
        "so \\boxed{42}. % 42",
        "\\boxed{1} or \\boxed{ 2 } % 2",
        "\\boxed{\\frac{1}{2}} % \\frac{1}{2}",
        "\\boxed{\\{1, 2\\}} % \\{1, 2\\}",
        "\\boxed{1 % none",
        "\\boxed 1 % 1",
        "the largest is $\\boxed 2$. % 2",
        "It is \\fbox{2}. % 2",
        "so \\fbox{$\\sqrt{3}$} % \\sqrt{3}",
        "It is $\\boxed\\frac{1}{2}$. % \\frac{1}{2}",
        "\\boxed {5} % 5",
        "\\boxed{{x+1}} % {x+1}",
        "\\boxed 12, not 13 % 12",
        "\\boxed 12 apples % 12",
        "\\boxed{1} and \\boxedx{2} % 1",
        "\\boxed % none",
        "42 % none",
      })
  void theLastBoxIsTheAnswer(String text, String answer) {
    assertThat(BoxedAnswer.last(text)).isEqualTo(Optional.ofNullable(answer));
  }
}
