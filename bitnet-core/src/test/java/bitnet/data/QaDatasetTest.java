package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QaDatasetTest {
  private static final QaRecord SUM = new QaRecord("2+3=", "5", Optional.of("2+3=5"));
  private static final QaRecord NAME =
      new QaRecord("Who wrote \"Faust\"?\n", "Göthe", Optional.empty());

  @TempDir private Path directory;

  private Path file(String text) throws IOException {
    return Files.writeString(directory.resolve("qa.json"), text.replace('\'', '"'));
  }

  @Test
  void whatIsWrittenIsReadAgain() throws IOException {
    Path file = directory.resolve("new/qa.jsonl");

    QaDataset.write(file, List.of(SUM, NAME));

    assertThat(QaDataset.load(file, BadRecordPolicy.STOP).records()).containsExactly(SUM, NAME);
    assertThat(Files.readAllLines(file))
        .startsWith("{\"query\":\"2+3=\",\"answer\":\"5\",\"reasoning\":\"2+3=5\"}")
        .hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'query':'2+3=','answer':'5','reasoning':'2+3=5'}\n{'id':7,'answer':'b','query':'a'}",
        " [{'query':'2+3=','answer':'5','reasoning':'2+3=5'},\n {'query':'a','answer':'b'}]",
        "\uFEFF[{'query':'2+3=','answer':'5','reasoning':'2+3=5'}\n,{'answer':'b','query':'a'}]\n",
        "{'query':'2+3=','answer':'5','reasoning':'2+3=5'}\n{'query':'a','answer':'b','reasoning':null}",
      })
  void linesAndArraysHoldRecords(String text) throws IOException {
    QaDataset dataset = QaDataset.load(file(text), BadRecordPolicy.STOP);

    assertThat(dataset.records()).containsExactly(SUM, new QaRecord("a", "b", Optional.empty()));
    assertThat(dataset.summary()).isEqualTo("2 records");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '%',
      quoteCharacter = '`',
      value = {
        "{'query':'a','answer':'b'}¶{'query':'a'} % 2: the record has no field \"answer\"",
        "{'query':'a','answer':'b'}¶{'answer':'a'} % 2: the record has no field \"query\"",
        "{'query':'a','answer':'b'}¶{'query':'a','answer':5} % 2: the field \"answer\" is a number",
        "{'query':'a','answer':'b'}¶{'query':' ','answer':'b'} % 2: the field \"query\" is empty",
        "{'query':'a','answer':'b'}¶{'query':'a','query':'c','answer':'b'} % 2: the field \"query\" occurs",
        "{'query':'a','answer':'b'}¶{'query':'a','answer':'b','reasoning':1} % 2: the field \"reasoning\"",
        "[{'query':'a','answer':'b'},¶¶{'query':'a'}] % 3: the record has no field \"answer\"",
      })
  void aBadRecordIsNamedByFileAndLine(String text, String said) throws IOException {
    Path file = file(text.replace('¶', '\n'));

    assertThatThrownBy(() -> QaDataset.load(file, BadRecordPolicy.STOP))
        .isInstanceOf(BadRecordException.class)
        .hasMessageStartingWith(file + ":" + said)
        .hasMessageEndingWith("on_bad_record skip");

    QaDataset skipped = QaDataset.load(file, BadRecordPolicy.SKIP);
    assertThat(skipped.records()).hasSize(1);
    assertThat(skipped.skipped()).isEqualTo(1);
    assertThat(skipped.summary()).contains("1 bad records skipped\n  " + file + ":" + said);
  }

  @Test
  void aFileWithoutRecordsIsRefused() throws IOException {
    Path file = file("[]");
    assertThatThrownBy(() -> QaDataset.load(file, BadRecordPolicy.SKIP))
        .hasMessage(file + " holds no record; give records like {\"query\": ..., \"answer\": ...}");
    assertThatThrownBy(() -> QaDataset.load(directory.resolve("none"), BadRecordPolicy.SKIP))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void aRecordNeedsQueryAndAnswer() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new QaRecord("2+3=", " ", Optional.empty()))
        .withMessageContaining("2+3=");
  }

  @Test
  void theTemplateIsTheDocumentedOne() {
    assertThat(QaTemplate.prompt("2+3=")).isEqualTo("<user>2+3=</user><assistant>");
    assertThat(QaTemplate.target(SUM)).isEqualTo("<think>2+3=5</think>5");
    assertThat(QaTemplate.text(new QaRecord("a", "b", Optional.empty())))
        .isEqualTo("<user>a</user><assistant>b");
    assertThat(QaTemplate.correctionPrompt("2+3=", "<think>2+3=6</think>6", "Check."))
        .isEqualTo("<user>2+3=<think><think>2+3=6</think>6</think>Check.</user><assistant>");
    assertThat(QaTemplate.correctionPrompt("2+3=", "6", " No. {query}"))
        .isEqualTo("<user>2+3=<think>6</think> No. 2+3=</user><assistant>");
    assertThat(QaTemplate.queries("{query}, is it? {query}")).isEqualTo(2);
    assertThat(QaTemplate.queries("Check.")).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'query':'2+3=','answer':'5','reasoning':'2+3=5'}\n{'text':'plain'}",
        "[{'query':'2+3=','answer':'5','reasoning':'2+3=5'},{'query':7,'text':'plain'}]",
      })
  void asTrainingTextARecordIsItsTemplate(String text) throws IOException {
    Path file = file(text);
    try (TextDataset dataset =
        ByteTokens.open(file, TextFormat.detect(file), BadRecordPolicy.STOP, directory)) {
      assertThat(ByteTokens.text(dataset.tokens()))
          .isEqualTo("<user>2+3=</user><assistant><think>2+3=5</think>5|plain|");
    }
  }
}
