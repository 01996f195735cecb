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
    return MetricsLog.open(METRICS, List.of(file), null, doneSteps);
  }

  private void write(long first, long last) throws IOException {
    try (MetricsLog log = open(first - 1)) {
      for (long step = first; step <= last; step++) {
        log.write(step, Map.of("loss", (double) step));
      }
    }
  }

  @Test
  void everyStepIsARowAndWhatWasNotMeasuredIsBlank() throws IOException {
    try (MetricsLog log = open(0)) {
      log.write(1, Map.of("loss", 5.25, "lr", 1e-4));
      log.write(2, Map.of("loss", 0.1, "eval_loss", 1.0 / 3, "lr", 2.0));
      log.write(3, Map.of("loss", Double.NaN));
      log.write(4, Map.of());
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
      log.write(1, Map.of("loss", 2.0));
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
          .isThrownBy(() -> log.write(1, Map.of("los", 1.0)))
          .withMessageContaining("metric \"los\" is not one of [loss, eval_loss, lr]");
    }
    for (String name : List.of("a,b", "a\nb", "", "a b", "step")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> MetricsLog.open(List.of(name), List.of(file), null, 0))
          .withMessageStartingWith("metric name \"" + name + "\"");
    }
  }

  @Test
  void aLogToNowhereTakesRows() throws IOException {
    try (MetricsLog log = MetricsLog.open(METRICS, List.of(), null, 0)) {
      log.write(1, Map.of("loss", 1.0));
    }
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void everyFileGetsEveryRowOnce() throws IOException {
    Path second = directory.resolve("second.csv");
    Path again = directory.resolve(".").resolve("second.csv");
    try (MetricsLog log = MetricsLog.open(METRICS, List.of(file, second, again), null, 0)) {
      log.write(1, Map.of("loss", 1.0));
    }
    assertThat(file).hasContent("step,loss,eval_loss,lr\n1,1.0,,\n");
    assertThat(second).hasContent("step,loss,eval_loss,lr\n1,1.0,,\n");
  }
}
