package bitnet.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CsvLogTest {
  private static final List<String> METRICS = List.of("loss", "eval_loss", "lr");

  @TempDir Path directory;
  private Path file;

  @BeforeEach
  void nameTheFile() {
    file = directory.resolve("logs/metrics.csv");
  }

  private MetricsLog open(long doneSteps) throws IOException {
    return open(List.of(file), doneSteps);
  }

  private static MetricsLog open(List<Path> files, long doneSteps) throws IOException {
    return MetricsLog.open(
        LogColumns.of(METRICS), new MetricsLog.Places(files, List.of(), null), doneSteps);
  }

  private void write(long first, long last) throws IOException {
    try (MetricsLog log = open(first - 1)) {
      for (long step = first; step <= last; step++) {
        log.write(step, Map.of("loss", (double) step), Map.of());
      }
    }
  }

  @Test
  void everyStepIsARowAndWhatWasNotMeasuredIsBlank() throws IOException {
    try (MetricsLog log = open(0)) {
      log.write(1, Map.of("loss", 5.25, "lr", 1e-4), Map.of());
      log.write(2, Map.of("loss", 0.1, "eval_loss", 1.0 / 3, "lr", 2.0), Map.of());
      log.write(3, Map.of("loss", Double.NaN), Map.of());
      log.write(4, Map.of(), Map.of());
    }
    assertThat(file)
        .hasContent(
            """
            step,loss,eval_loss,lr
            1,5.25,,1.0E-4
            2,0.1,0.3333333333333333,2.0
            3,NaN,,
            4,,,
            """);
  }

  @Test
  void aRowIsInTheFileAsSoonAsItIsWritten() throws IOException {
    try (MetricsLog log = open(0)) {
      log.write(1, Map.of("loss", 2.0), Map.of());
      assertThat(file).hasContent("step,loss,eval_loss,lr\n1,2.0,,\n");
    }
  }

  @Test
  void aResumedRunGoesOnBelow() throws IOException {
    write(1, 3);
    write(4, 5);
    assertThat(Files.readAllLines(file))
        .containsExactly(
            "step,loss,eval_loss,lr", "1,1.0,,", "2,2.0,,", "3,3.0,,", "4,4.0,,", "5,5.0,,");
  }

  @Test
  void stepsAfterTheCheckpointAreCutSoThatNoneAppearsTwice() throws IOException {
    write(1, 9);
    write(4, 5);
    assertThat(file)
        .hasContent("step,loss,eval_loss,lr\n1,1.0,,\n2,2.0,,\n3,3.0,,\n4,4.0,,\n5,5.0,,\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"4", "4,", "4,4.0,,", "3", "-", "9999999999999999999999"})
  void aRowTornByAKillIsCut(String torn) throws IOException {
    write(1, 3);
    Files.writeString(file, Files.readString(file) + torn);
    write(4, 4);
    assertThat(Files.readAllLines(file)).hasSize(5).endsWith("3,3.0,,", "4,4.0,,");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "s", "step,loss", "step,loss,eval_loss,lr"})
  void aHeaderTornByAKillIsWrittenAgain(String torn) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, torn);
    write(4, 4);
    assertThat(file).hasContent("step,loss,eval_loss,lr\n4,4.0,,\n");
  }

  @Test
  void aNewRunStartsTheFileAnewEvenWithOtherColumns() throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "step,reward\n1,2\n2,3\n");
    write(1, 1);
    assertThat(file).hasContent("step,loss,eval_loss,lr\n1,1.0,,\n");
  }

  @Test
  void aLogOfAVersionWithFewerMetricsGetsTheColumnsThatItLacks() throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "step,lr,loss\n1,0.5,2.0\n2,0.25,\n3,0.1,1.0\n");
    try (MetricsLog log = open(2)) {
      log.write(3, Map.of("loss", 3.0, "eval_loss", 4.0), Map.of());
    }
    assertThat(file).hasContent("step,lr,loss,eval_loss\n1,0.5,2.0,\n2,0.25,,\n3,,3.0,4.0\n");
    try (MetricsLog log = open(3)) {
      log.write(4, Map.of("lr", 1.0), Map.of());
    }
    assertThat(Files.readAllLines(file)).hasSize(5).endsWith("4,1.0,,");
  }

  @Test
  void aResumedRunRefusesOtherColumnsAndRowsThatAreNone() throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "step,reward\n1,2\n");
    assertThatIOException()
        .isThrownBy(() -> open(1))
        .withMessage(
            file
                + ":1: the columns are not those of this run (step,loss,eval_loss,lr);"
                + " move it elsewhere or choose another csv_log");
    Files.writeString(file, "step,loss,eval_loss,lr\n1,2,,\nhello\n");
    assertThatIOException()
        .isThrownBy(() -> open(5))
        .withMessage(
            file
                + ":3: the row does not start with a step; move it elsewhere or choose another csv_log");
    assertThat(file).hasContent("step,loss,eval_loss,lr\n1,2,,\nhello\n");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 3})
  void aFileThatIsNoLogIsLeftAlone(long doneSteps) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "my thesis\n");
    assertThatIOException()
        .isThrownBy(() -> open(doneSteps))
        .withMessage(
            file
                + ":1: not a metrics log, which starts with \"step,\"; move it elsewhere or choose another csv_log");
    assertThat(file).hasContent("my thesis\n");
  }

  @Test
  void namesThatWereNotGivenOrCannotBeAreRefused() throws IOException {
    try (MetricsLog log = open(0)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> log.write(1, Map.of("los", 1.0), Map.of()))
          .withMessageContaining("metric \"los\" is not one of [loss, eval_loss, lr]");
    }
    for (String name : List.of("a,b", "a\nb", "", "a b", "step")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> LogColumns.of(List.of(name)))
          .withMessageStartingWith("metric name \"" + name + "\"");
    }
  }

  @Test
  void aLogToNowhereTakesRows() throws IOException {
    try (MetricsLog log = open(List.of(), 0)) {
      log.write(1, Map.of("loss", 1.0), Map.of());
    }
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void everyFileGetsEveryRowOnce() throws IOException {
    Path second = directory.resolve("second.csv");
    Path again = directory.resolve(".").resolve("second.csv");
    try (MetricsLog log = open(List.of(file, second, again), 0)) {
      log.write(1, Map.of("loss", 1.0), Map.of());
    }
    assertThat(file).hasContent("step,loss,eval_loss,lr\n1,1.0,,\n");
    assertThat(second).hasContent("step,loss,eval_loss,lr\n1,1.0,,\n");
  }

  private static final LogColumns TEXTS =
      new LogColumns(
          List.of("loss", "share_1"), List.of("text_1", "text_2"), Map.of("share_1", "text_1"));

  private MetricsLog openWithTexts(Path numbers, long doneSteps) throws IOException {
    return MetricsLog.open(
        TEXTS, new MetricsLog.Places(List.of(numbers), List.of(file), null), doneSteps);
  }

  /// RFC 4180, 2.6 and 2.7: quotes around, and doubled inside.
  @Test
  void textsAreQuotedAndOnlyInTheFilesThatAreToHoldThem() throws IOException {
    Path numbers = directory.resolve("numbers.csv");
    try (MetricsLog log = openWithTexts(numbers, 0)) {
      log.write(1, Map.of("loss", 2.0), Map.of("text_1", "94", "text_2", "é, \"x\"\nand"));
      log.write(2, Map.of("share_1", 0.5), Map.of());
      assertThatIllegalArgumentException()
          .isThrownBy(() -> log.write(3, Map.of(), Map.of("text_3", "")))
          .withMessageContaining("metric \"text_3\" is not one of [text_1, text_2]");
    }

    assertThat(numbers).hasContent("step,loss,share_1\n1,2.0,\n2,,0.5\n");
    assertThat(file)
        .hasContent(
            """
            step,loss,share_1,text_1,text_2
            1,2.0,,"94","é, ""x""
            and"
            2,,0.5,,
            """);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "4",
        "4,1.0,,\"",
        "4,1.0,,\"a\n",
        "4,1.0,,\"a\"\"\n5,x\n",
        "4,1.0,,\"a\",",
        "4,1.0,,\"\n9,2\",\n"
      })
  void rowsWithTextsAreCutWhole(String rest) throws IOException {
    Path numbers = directory.resolve("numbers.csv");
    Map<String, String> text = Map.of("text_1", "7,1\n99,\"2\"\n");
    try (MetricsLog log = openWithTexts(numbers, 0)) {
      log.write(3, Map.of(), text);
    }
    String before = Files.readString(file);
    Files.writeString(file, before + rest);

    try (MetricsLog log = openWithTexts(numbers, 3)) {
      log.write(4, Map.of("loss", 1.0), Map.of());
    }

    assertThat(file).hasContent(before + "4,1.0,,,\n");
    assertThat(MetricsTable.read(file).points("loss"))
        .containsExactly(new MetricsTable.Point(4, 1.0));
  }

  /// Version 0.1.0 had the shares under the names that texts have now.
  @Test
  void aFileOfTheFormerVersionKeepsItsColumns() throws IOException {
    Path numbers = directory.resolve("numbers.csv");
    Files.createDirectories(file.getParent());
    for (Path old : List.of(file, numbers)) {
      Files.writeString(old, "step,loss,text_1\n1,2.0,0.5\n2,9.0,0.5\n");
    }

    try (MetricsLog log = openWithTexts(numbers, 1)) {
      log.write(2, Map.of("loss", 1.0, "share_1", 0.25), Map.of("text_1", "94"));
    }

    assertThat(file).hasContent("step,loss,text_1\n1,2.0,0.5\n2,1.0,0.25\n");
    assertThat(numbers).hasSameTextualContentAs(file);
  }

  @Test
  void aColumnIsNamedOnce() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new LogColumns(List.of("a"), List.of("a"), Map.of()))
        .withMessage("metric name \"a\" is given twice; rename one");
  }
}
