package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `--config`: a run described in a file.
class TrainingConfigFileTest {
  @TempDir private static Path directory;
  private static Path text;
  private static Path model;
  private static List<String> rates;
  private static List<String> losses;

  @BeforeAll
  static void trainByOptions() throws IOException {
    text = CommandRun.someText(directory.resolve("text.txt"));
    model = CommandRun.tinyModel(directory.resolve("blank"));
    MetricsFile log =
        train(
            "options",
            "--iters=4",
            "--batch_size=2",
            "--seq_len=16",
            "--lr=0.004",
            "--lr_schedule=linear",
            "--grad_checkpoint");
    rates = log.column("lr");
    losses = log.column("loss");
    assertThat(losses).hasSize(4).doesNotHaveDuplicates();
  }

  private static MetricsFile train(String name, Object... more) throws IOException {
    Path log = directory.resolve(name + ".csv");
    Object[] args = {
      "train-ce",
      "--dataset=" + text,
      "--text_format=document",
      "--model_path=" + model,
      "--output_dir=" + directory.resolve(name),
      "--csv_log=" + log,
      "--eval_fraction=0",
      "--threads=1",
    };
    CommandRun.succeeding(CommandRun.with(args, more));
    return MetricsFile.read(log);
  }

  private static void assertSameRun(MetricsFile log) {
    assertThat(log.column("lr")).isEqualTo(rates);
    assertThat(log.column("loss")).isEqualTo(losses);
  }

  @Test
  void yamlSaysTheSameAsOptions() throws IOException {
    Path config =
        Files.writeString(
            directory.resolve("run.yaml"),
            """
            # a comment
            iters: 4
            batch_size: 2
            seq_len: 16
            lr: 0.004
            lr_schedule: linear
            grad_checkpoint: true
            """);

    assertSameRun(train("yaml", "--config", config));
  }

  @Test
  void anOptionBeatsTheJsonFileThatSaysTheRest() throws IOException {
    Path config =
        Files.writeString(
            directory.resolve("run.json"),
            """
            {"iters": 4, "batch_size": 3, "seq_len": 16, "lr": 0.5, "lr_schedule": "linear",
             "grad_checkpoint": true}
            """);

    assertSameRun(train("json", "--config", config, "--lr", "0.004", "--batch-size=2"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '!',
      textBlock =
          """
          run.yaml ! grad_checkpoint: treu        ! the value "treu" of grad_checkpoint
          run.yaml ! grad_checkpoint: enabled     ! the value "enabled" of grad_checkpoint
          run.yaml ! grad_checkpoint: 0.5         ! the value "0.5" of grad_checkpoint
          run.yaml ! grad_checkpoint: 1           ! the value "1" of grad_checkpoint
          run.json ! {"grad_checkpoint": "on"}    ! the value "on" of grad_checkpoint
          run.yaml ! grad_checkpoint: [true, nay] ! the value "nay" of grad_checkpoint
          run.json ! {"lr": 1, "lr": 2}           ! Duplicate field 'lr'
          run.yaml ! {lr: 1, lr: 2}               ! Duplicate field 'lr'
          run.json ! {"lr": 1} {"lr": 2}          ! trailing
          """)
  void aValueThatSaysNothingIsRefusedWithItsKey(String name, String content, String reason)
      throws IOException {
    Path config = Files.writeString(directory.resolve(name), content);
    CommandRun refused = CommandRun.of("train-ce", "--config", config);

    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err().lines().findFirst().orElse("")).containsIgnoringCase(reason);
  }
}
