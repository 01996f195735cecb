package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PreferenceDatasetTest {
  @TempDir private Path directory;

  private Path file(String text) throws IOException {
    return Files.writeString(
        directory.resolve("pairs"), text.replace('\'', '"').replace('¶', '\n'));
  }

  @Test
  void pairsAndLabelsAreRead() throws IOException {
    Path file =
        file(
            "{'query':'q','chosen':'a','rejected':'b'}¶{'query':'q','answer':'a','label':1}¶"
                + "{'query':'q','answer':'b','label':0.25,'by':'me'}");

    PreferenceDataset data = PreferenceDataset.load(file, BadRecordPolicy.STOP);

    assertThat(data.records())
        .containsExactly(
            new PreferenceRecord.Pair("q", "a", "b"),
            new PreferenceRecord.Label("q", "a", 1),
            new PreferenceRecord.Label("q", "b", 0.25));
    assertThat(data.summary()).isEqualTo("3 records");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '%',
      quoteCharacter = '`',
      value = {
        "{'query':'q','chosen':'a'} % the record has no field \"rejected\"",
        "{'query':'q','answer':'a'} % the record has no field \"label\"",
        "{'query':'q','text':'a'} % the record has no field \"answer\"; write \"chosen\"",
        "{'query':'q','answer':'a','label':'1'} % the field \"label\" is a string, not a number",
        "{'query':'q','answer':'a','label':2} % the field \"label\" is 2.0; write a number from 0",
        "{'chosen':'a','rejected':'b'} % the record has no field \"query\"",
      })
  void aBadRecordIsNamedByFileAndLine(String line, String said) throws IOException {
    Path file = file("{'query':'q','chosen':'a','rejected':'b'}¶" + line);

    assertThatThrownBy(() -> PreferenceDataset.load(file, BadRecordPolicy.STOP))
        .isInstanceOf(BadRecordException.class)
        .hasMessageStartingWith(file + ":2: " + said);
    assertThat(PreferenceDataset.load(file, BadRecordPolicy.SKIP).summary())
        .startsWith("1 records; 1 bad records skipped");
  }

  @Test
  void recordsOfOneQuestionStayTogether() {
    List<PreferenceRecord> records =
        IntStream.range(0, 100)
            .<PreferenceRecord>mapToObj(i -> new PreferenceRecord.Pair("q" + i % 20, "a" + i, "b"))
            .toList();

    PreferenceDataset.Split split = new PreferenceDataset(records, "").split(0.25, 1);

    assertThat(split.heldOut()).hasSize(25);
    assertThat(split.training()).hasSize(75);
    assertThat(split.training().stream().map(PreferenceRecord::query))
        .doesNotContainAnyElementsOf(
            split.heldOut().stream().map(PreferenceRecord::query).toList());
    assertThat(new PreferenceDataset(records, "").split(0.25, 1)).isEqualTo(split);
    assertThat(new PreferenceDataset(records, "").split(0.25, 2)).isNotEqualTo(split);
    assertThat(new PreferenceDataset(records, "").split(0.001, 1).heldOut()).hasSize(5);
    assertThat(new PreferenceDataset(records, "").split(0.999, 1).training()).hasSize(5);
    assertThat(new PreferenceDataset(records, "").split(0, 1).heldOut()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1, Double.NaN, 0.5})
  void whatCannotBePartedIsRefused(double fraction) {
    PreferenceDataset data =
        new PreferenceDataset(List.of(new PreferenceRecord.Pair("q", "a", "b")), "");
    assertThatIllegalArgumentException().isThrownBy(() -> data.split(fraction, 0));
  }
}
