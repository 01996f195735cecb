package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChoiceDatasetTest {
  @TempDir private Path directory;

  private Path file(String... lines) throws IOException {
    return Files.write(directory.resolve("choices.jsonl"), List.of(lines));
  }

  private List<ChoiceRecord> load(String... lines) throws IOException {
    return ChoiceDataset.load(file(lines), BadRecordPolicy.STOP).records();
  }

  @Test
  void bothLayoutsOfArcAreRead() throws IOException {
    ChoiceRecord expected =
        new ChoiceRecord("Question: What is ice?\nAnswer:", List.of("water", "air", "fire"), 1);

    assertThat(
            load(
                """
                {"id": "x", "question": "What is ice?", "choices": {"text": ["water", "air", "fire"], \
                "label": ["A", "B", "C"]}, "answerKey": "B"}""",
                """
                {"id": "x", "question": {"stem": "What is ice?", "choices": [{"text": "water", \
                "label": "1"}, {"text": "air", "label": "2"}, {"text": "fire", "label": "3"}]}, \
                "answerKey": "2"}"""))
        .containsExactly(expected, expected);
  }

  /// As the harness's `preprocess` puts them.
  @Test
  void hellaSwagIsPutAsTheHarnessPutsIt() throws IOException {
    assertThat(
            load(
                """
                {"activity_label": "Washing", "ctx_a": "A man [header] waits. [title] Then", \
                "ctx_b": "the Dog", "ctx": "unused", "endings": ["barks.", "[substeps] sings  ."], \
                "label": "0"}""",
                """
                {"ctx": "A man", "endings": ["runs", "sits"], "label": 1}"""))
        .containsExactly(
            new ChoiceRecord(
                "Washing: A man waits.. Then The dog", List.of("barks.", " sings ."), 0),
            new ChoiceRecord("A man", List.of("runs", "sits"), 1));
  }

  /// Python 3.11: `preprocess("a: b " + text.capitalize())` of the harness.
  @ParameterizedTest
  @CsvSource({
    "ßETA, Sseta",
    "ǆUR, ǅur",
    "ﬁNE, Fine",
    "ΑΣ, Ας",
    "𐐨X, 𐐀x",
    "İZ, İz",
    "éA, Éa",
    "x [y\u2028z] w, X w",
  })
  void secondContextsBeginAsPythonCapitalizes(String text, String expected) throws IOException {
    String line =
        """
        {"activity_label": "a", "ctx_a": "b", "ctx_b": "%s", "endings": ["c", "d"], "label": 0}"""
            .formatted(text);

    assertThat(load(line).getFirst().prompt()).isEqualTo("a: b " + expected);
  }

  @Test
  void whiteSpaceAtTheEndOfAPromptIsNoContext() throws IOException {
    ChoiceRecord record =
        load("{\"ctx\": \"\u00a0\u0085a b [x]\u202f\", \"endings\": [\"c\", \"d\"], \"label\": 0}")
            .getFirst();

    assertThat(record.prompt()).isEqualTo("a b ");
    assertThat(record.context()).isEqualTo("a b");
    assertThat(new ChoiceRecord("a\n\u00a0", List.of("c", "d"), 0).context()).isEqualTo("a");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "{\"ctx\": \"a\", \"endings\": [\"b\", \"c\"], \"label\": \"\"} | not the number of an ending",
        "{\"ctx\": \"a\", \"endings\": [\"b\", \"c\"], \"label\": 2} | choice 2 of 2",
        "{\"ctx\": \"a\", \"endings\": [\"b\"], \"label\": 0} | choice 0 of 1",
        "{\"ctx\": \"a\", \"endings\": \"b\", \"label\": 0} | the field \"endings\" is not a list",
        "{\"question\": \"q\", \"answerKey\": \"A\"} | no field \"choices\"",
        "{\"query\": \"q\"} | no field \"question\"",
        "{\"question\": \"q\", \"choices\": {\"text\": [\"a\", \"b\"], \"label\": [\"A\", \"B\"]},"
            + " \"answerKey\": \"C\"} | the field \"answerKey\" is \"C\"",
      })
  void badRecordIsNamedWithItsLine(String line, String reason) throws IOException {
    assertThatThrownBy(
            () -> load("{\"ctx\": \"a\", \"endings\": [\"b\", \"c\"], \"label\": 0}", line))
        .isInstanceOf(BadRecordException.class)
        .hasMessageContaining("choices.jsonl:2: ")
        .hasMessageContaining(reason);

    ChoiceDataset skipping =
        ChoiceDataset.load(
            file("{\"ctx\": \"a\", \"endings\": [\"b\", \"c\"], \"label\": 0}", line),
            BadRecordPolicy.SKIP);
    assertThat(skipping.summary()).startsWith("1 records; 1 bad records skipped");
  }
}
