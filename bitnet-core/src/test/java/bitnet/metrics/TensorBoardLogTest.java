package bitnet.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorBoardLogTest {
  private static final List<String> METRICS = List.of("loss", "eval_loss");

  @TempDir Path directory;

  private MetricsLog open(long doneSteps) throws IOException {
    return MetricsLog.open(
        LogColumns.of(METRICS), new MetricsLog.Places(List.of(), List.of(), directory), doneSteps);
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.sorted().toList();
    }
  }

  private static Map<String, Double> row(double loss, double evalLoss) {
    Map<String, Double> row = new LinkedHashMap<>();
    row.put("loss", loss);
    row.put("eval_loss", evalLoss);
    return row;
  }

  @Test
  void anIndependentReaderFindsEveryScalarAndNoCrcIsWrong() throws IOException {
    try (MetricsLog log = open(0)) {
      log.write(1, row(5.25, 0.1), Map.of());
      log.write(127, Map.of("loss", Double.NaN), Map.of());
      log.write(128, Map.of("loss", 1e300), Map.of());
      log.write(3_000_000_000L, Map.of("loss", -0.5), Map.of());
    }
    assertThat(files())
        .singleElement()
        .asString()
        .matches(".*/events\\.out\\.tfevents\\.\\d{10}.*");
    assertThat(EventFile.read(files().getFirst()))
        .containsExactly(
            "version brain.Event:2",
            "1 loss=5.25 eval_loss=0.1",
            "127 loss=NaN",
            "128 loss=Infinity",
            "3000000000 loss=-0.5");
  }

  @Test
  void aResumedRunWritesAFileThatSortsLastAndVoidsLaterSteps() throws IOException {
    for (long done : new long[] {0, 3, 2}) {
      try (MetricsLog log = open(done)) {
        log.write(done + 1, Map.of("loss", 1.0), Map.of());
      }
    }
    assertThat(files()).hasSize(3);
    assertThat(EventFile.read(files().get(1)))
        .containsExactly("version brain.Event:2", "start at 4", "4 loss=1.0");
    assertThat(EventFile.read(files().get(2)))
        .containsExactly("version brain.Event:2", "start at 3", "3 loss=1.0");
  }

  @Test
  void aDirectoryOfForeignFilesIsNoHindrance() throws IOException {
    Files.writeString(directory.resolve("events.out.tfevents.99.host"), "x");
    open(0).close();
    assertThat(EventFile.read(files().getFirst())).containsExactly("version brain.Event:2");
  }

  @Test
  void tensorBoardItselfReadsTheScalarsAndEachStepOnce() throws Exception {
    String python =
        Objects.requireNonNullElse(
            System.getenv("BITNET_ORACLE_PYTHON"),
            System.getProperty("user.home") + "/.cache/bitnet-oracle/bin/python");
    String reader = "tensorboard.backend.event_processing.event_accumulator";
    assumeTrue(
        Files.isExecutable(Path.of(python)),
        ("no Python with torch and transformers at %s; make one as CONTRIBUTING.md says, or"
                + " set BITNET_ORACLE_PYTHON")
            .formatted(python));
    assumeTrue(
        run(python, "-c", "import " + reader).exit() == 0,
        "no TensorBoard; %s -m pip install tensorboard".formatted(python));
    try (MetricsLog log = open(0)) {
      for (long step = 1; step <= 5; step++) {
        log.write(step, row((double) step, step + 0.5), Map.of());
      }
    }
    // a kill in the middle of a record
    Files.write(files().getFirst(), new byte[] {40, 0, 0, 0, 0}, StandardOpenOption.APPEND);
    try (MetricsLog log = open(3)) {
      log.write(4, Map.of("loss", 40.0), Map.of());
      log.write(5, Map.of("loss", Double.POSITIVE_INFINITY), Map.of());
    }
    String script =
        """
        import sys
        from %s import EventAccumulator
        events = EventAccumulator(sys.argv[1])
        events.Reload()
        for tag in sorted(events.Tags()["scalars"]):
            print(tag, [(e.step, e.value) for e in events.Scalars(tag)])
        """
            .formatted(reader);
    assertThat(run(python, "-c", script, directory.toString()).output())
        .contains("eval_loss [(1, 1.5), (2, 2.5), (3, 3.5)]")
        .contains("loss [(1, 1.0), (2, 2.0), (3, 3.0), (4, 40.0), (5, inf)]");
  }

  private record Outcome(int exit, String output) {}

  private static Outcome run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), output);
  }
}
