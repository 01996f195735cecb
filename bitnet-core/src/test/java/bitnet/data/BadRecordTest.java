package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class BadRecordTest {
  @TempDir Path directory;

  /// Bytes from text in which `~` is the byte 0xFF, which UTF-8 never has.
  private Path file(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = bytes[i] == '~' ? (byte) 0xFF : bytes[i];
    }
    return Files.write(directory.resolve("data"), bytes);
  }

  private static final String CASES =
      """
      LINES    % good¶¶also good            % 2 % the line is empty
      LINES    % good¶ \t ¶also good        % 2 % the line is empty
      LINES    % good¶also good¶            % 3 % the line is empty
      LINES    % good¶a~b¶also good         % 2 % byte 2 of the line (0xff) is not UTF-8
      DOCUMENT % good¶a~b¶also good         % 2 % byte 2 of the line (0xff) is not UTF-8
      JSONL    % {'text':'good'}¶¶{'text':'also good'} % 2 % the line is empty
      JSONL    % {'text':'good'}¶{'text':'a¶{'text':'also good'} % 2 % not JSON: Unexpected end-of-input
      JSONL    % {'text':'good'}¶good¶{'text':'also good'} % 2 % not JSON: Unrecognized token 'good'
      JSONL    % {'text':'good'}¶{}¶{'text':'also good'} % 2 % the record has no field "text"
      JSONL    % {'text':'good'}¶{'Text':'a'}¶{'text':'also good'} % 2 % the record has no field "text"
      JSONL    % {'text':'good'}¶{'text':7}¶{'text':'also good'} % 2 % the field "text" is a number, not
      JSONL    % {'text':'good'}¶{'text':null}¶{'text':'also good'} % 2 % the field "text" is null, not
      JSONL    % {'text':'good'}¶{'text':['a']}¶{'text':'also good'} % 2 % the field "text" is an array
      JSONL    % {'text':'good'}¶{'text':' '}¶{'text':'also good'} % 2 % the field "text" is empty
      JSONL    % {'text':'good'}¶'a'¶{'text':'also good'} % 2 % the record is a string, not an object
      JSONL    % {'text':'good'}¶{'text':'a','text':'b'}¶{'text':'also good'} % 2 % occurs twice
      JSONL    % {'text':'good'}¶{'text':'a'}{'text':'b'}¶{'text':'also good'} % 2 % something follows
      JSONL    % {'text':'good'}¶{'text':'\\ud83d!'}¶{'text':'also good'} % 2 % half a surrogate pair
      JSONL    % {'text':'good'}¶{'text':'~'}¶{'text':'also good'} % 2 % byte 10 of the line (0xff)
      JSON     % [{'text':'good'},¶{'a':1},¶{'text':'also good'}] % 2 % the record has no field "text"
      JSON     % [{'text':'good'},¶7,¶{'text':'also good'}] % 2 % the record is a number, not an object
      JSON     % [{'text':'good'},¶[{'text':'x'}],¶{'text':'also good'}] % 2 % the record is an array
      JSON     % [{'text':'good'},¶{'text':{'text':'x'}},¶{'text':'also good'}] % 2 % is an object, not
      """;

  @ParameterizedTest
  @CsvSource(
      delimiter = '%',
      ignoreLeadingAndTrailingWhitespace = true,
      textBlock = CASES,
      quoteCharacter = '`')
  void aBadRecordStopsWithFileLineReasonAndRemedyOrIsSkippedAndCounted(
      TextFormat format, String text, long line, String reason) throws IOException {
    Path file = file(text.replace('¶', '\n').replace('\'', '"') + "\n");

    assertThatThrownBy(() -> ByteTokens.open(file, format, BadRecordPolicy.STOP, directory))
        .isInstanceOf(BadRecordException.class)
        .hasMessageStartingWith(file + ":" + line + ": ")
        .hasMessageContaining(reason)
        .hasMessageContaining("; ")
        .hasMessageEndingWith("on_bad_record skip");

    try (TextDataset dataset = ByteTokens.open(file, format, BadRecordPolicy.SKIP, directory)) {
      String separator = format == TextFormat.DOCUMENT ? "\n" : "|";
      assertThat(ByteTokens.text(dataset.tokens()))
          .startsWith("good" + separator)
          .contains(line == 3 ? "" : "also good" + separator);
      assertThat(dataset.report().skipped()).isEqualTo(1);
      assertThat(dataset.report().firstReasons())
          .singleElement()
          .asString()
          .startsWith(file + ":" + line + ": ")
          .contains(reason);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '%',
      quoteCharacter = '`',
      value = {
        "{'text':'a'} % 1: not a JSON array",
        "[{'text':'a'},¶{'text':'b' % 2: not JSON: Unexpected end-of-input",
        "[{'text':'a'},¶{'text' 'b'}] % 2: not JSON: Unexpected character",
        "[{'text':'a'},¶{'text':'~'}] % 2: not JSON: Invalid UTF-8",
        "[{'text':'a'}]¶{'text':'b'} % 2: something follows the array",
      })
  void aBrokenArrayIsRefusedWhateverThePolicy(String text, String reason) throws IOException {
    Path file = file(text.replace('\'', '"').replace('¶', '\n'));
    for (BadRecordPolicy policy : BadRecordPolicy.values()) {
      assertThatThrownBy(() -> ByteTokens.open(file, TextFormat.JSON, policy, directory))
          .isInstanceOf(BadRecordException.class)
          .hasMessageStartingWith(file + ":" + reason)
          .hasMessageContaining("; ");
    }
  }

  @ParameterizedTest
  @EnumSource(TextFormat.class)
  void aFileWithoutAnyTextIsRefused(TextFormat format) throws IOException {
    Path file = file(format == TextFormat.JSON ? "[]" : "");
    assertThatThrownBy(() -> ByteTokens.open(file, format, BadRecordPolicy.SKIP, directory))
        .isInstanceOf(BadRecordException.class)
        .hasMessageContaining(file + " holds no example; give a file with text");
  }

  @ParameterizedTest
  @EnumSource(names = {"LINES", "DOCUMENT", "JSONL"})
  void aFileOfBadRecordsOnlyIsRefusedEvenIfTheyAreSkipped(TextFormat format) throws IOException {
    Path file = file("~\n~\n");
    assertThatThrownBy(() -> ByteTokens.open(file, format, BadRecordPolicy.SKIP, directory))
        .isInstanceOf(BadRecordException.class)
        .hasMessageContaining("all 2 are bad, the first: " + file + ":1: byte 1");
  }

  @Test
  void textCutOffWithinACharacterIsBad() throws IOException {
    Path file = directory.resolve("cut");
    Files.write(file, new byte[] {'a', '\n', 'b', (byte) 0xF0, (byte) 0x9F, (byte) 0x98});
    for (TextFormat format : new TextFormat[] {TextFormat.LINES, TextFormat.DOCUMENT}) {
      assertThatThrownBy(() -> ByteTokens.open(file, format, BadRecordPolicy.STOP, directory))
          .hasMessageContaining("cut:2: byte 2 of the line (0xf0) is not UTF-8");
    }
  }

  @Test
  void theFirstFiveReasonsAreReported() throws IOException {
    Path file = file("good\n" + "\n".repeat(7));
    try (TextDataset dataset =
        ByteTokens.open(file, TextFormat.LINES, BadRecordPolicy.SKIP, directory)) {
      assertThat(dataset.report().skipped()).isEqualTo(7);
      assertThat(dataset.report().firstReasons()).hasSize(5);
      assertThat(dataset.report().summary().lines())
          .hasSize(7)
          .startsWith("1 examples, 5 tokens, 4 bytes; 7 bad records skipped")
          .contains("  " + file + ":2: the line is empty")
          .endsWith("  ...");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "a.txt, x, LINES",
    "a, x, LINES",
    "a.jsonl, x, JSONL",
    "a.JSONL, x, JSONL",
    "a.ndjson, x, JSONL",
    "a.json, '[]', JSON",
    "a.json, ' \n{}', JSONL",
    "a.json, '\uFEFF{}', JSONL",
    "a.json, '', JSON",
  })
  void theFormatIsGuessedFromNameAndFirstCharacter(String name, String text, TextFormat format)
      throws IOException {
    Path file = Files.writeString(directory.resolve(name), text);
    assertThat(TextFormat.detect(file)).isEqualTo(format);
  }

  @ParameterizedTest
  @ValueSource(strings = {"xml", "LINES", ""})
  void unknownNamesAreRefusedWithThoseThatExist(String name) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TextFormat.of(name))
        .withMessage(
            "text_format \"%s\" is unknown; use one of lines, document, jsonl, json", name);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BadRecordPolicy.of(name))
        .withMessage("on_bad_record \"%s\" is unknown; use one of stop, skip", name);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> WindowSampling.of(name))
        .withMessage("sampling \"%s\" is unknown; use one of epoch, random", name);
  }

  @Test
  void everyNameIsRead() {
    assertThat(TextFormat.values()).allMatch(format -> TextFormat.of(format.key()) == format);
    assertThat(BadRecordPolicy.values()).allMatch(it -> BadRecordPolicy.of(it.key()) == it);
    assertThat(WindowSampling.values()).allMatch(it -> WindowSampling.of(it.key()) == it);
  }
}
