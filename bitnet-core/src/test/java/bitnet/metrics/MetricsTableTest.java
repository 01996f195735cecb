package bitnet.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MetricsTableTest {
  private static final List<String> METRICS = List.of("loss", "eval_loss");

  @TempDir private Path directory;

  private Path file() {
    return directory.resolve("metrics.csv");
  }

  private MetricsTable read(String text) throws IOException {
    return MetricsTable.read(Files.writeString(file(), text));
  }

  @Test
  void whatALogWroteIsReadAgain() throws IOException {
    try (MetricsLog log =
        MetricsLog.open(
            LogColumns.of(METRICS), new MetricsLog.Places(List.of(file()), List.of(), null), 0)) {
      log.write(0, Map.of("eval_loss", 5.5), Map.of());
      log.write(1, Map.of("loss", 1e-7), Map.of());
      log.write(2, Map.of("loss", Double.NaN, "eval_loss", Double.NEGATIVE_INFINITY), Map.of());
    }
    MetricsTable table = MetricsTable.read(file());

    assertThat(table.metrics()).isEqualTo(METRICS);
    assertThat(table.points("loss")).containsExactly(new MetricsTable.Point(1, 1e-7));
    assertThat(table.points("eval_loss")).containsExactly(new MetricsTable.Point(0, 5.5));
    assertThat(table.notFinite("loss")).isEqualTo(1);
    assertThat(table.notFinite("eval_loss")).isEqualTo(1);
    assertThat(table.points("reward")).isEmpty();
    assertThat(table.notFinite("reward")).isZero();
    assertThat(table.has("reward")).isFalse();
  }

  @Test
  void textsAreNoNumbersAndMayHaveLineBreaks() throws IOException {
    MetricsTable table = read("step,loss,text\n1,2.5,\"3\"\n2,2,\"a,\"\"\nb\"\n3,1,\n4,0,\"a\n");

    assertThat(table.points("loss"))
        .extracting(MetricsTable.Point::value)
        .containsExactly(2.5, 2.0, 1.0);
    assertThat(table.points("text")).isEmpty();
    assertThat(table.notFinite("text")).isZero();
    assertThatIOException()
        .isThrownBy(() -> read("step,loss,text\n1,2.5,\"a\nb\"\n2,x,\n"))
        .withMessageStartingWith(file() + ":4: \"x\" is not a number");
  }

  @Test
  void aLineThatIsStillWrittenIsLeftOut() throws IOException {
    MetricsTable table = read("step,loss\n1,2.5\n2,2.");
    assertThat(table.points("loss")).containsExactly(new MetricsTable.Point(1, 2.5));
    assertThat(read("step,loss\n").rows()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'step,loss\n1,2\n2,2,3\n' | :3: 3 values under 2 names",
        "'step,loss\n1\n' | :2: 1 values under 2 names",
        "'step,loss\n1,x\n' | :2: \"x\" is not a number",
        "'step,loss\n1.5,2\n' | :2: \"1.5\" is not a step number",
        "',loss\n1,2\n' | :1: not a metrics log",
        "'step,loss' | :1: not a metrics log",
        "'' | :1: not a metrics log",
        "'step,loss\n2,2\n2,2\n' | :3: step 2 follows step 2",
        "'step,loss\n\n' | :2: 1 values under 2 names",
      })
  void damageIsNamedWithItsLine(String text, String said) {
    assertThatIOException()
        .isThrownBy(() -> read(text))
        .withMessageStartingWith(file() + said)
        .withMessageMatching(".*(name a run or a|restore it or remove) .*");
  }

  @Test
  void aFileThatIsMissingIsNamed() {
    assertThatIOException()
        .isThrownBy(() -> MetricsTable.read(file()))
        .isInstanceOf(NoSuchFileException.class)
        .withMessage(file().toString());
  }
}
