package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.cli.Main;
import bitnet.diloco.KillingWitness;
import bitnet.diloco.RoundPhase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SparkTrainCeTest {
  private static final int STEPS = 20;

  @TempDir private static Path shared;
  @TempDir private Path directory;
  private static Path model;
  private static Path text;

  @BeforeAll
  static void make() throws IOException {
    model = CommandRun.tinyModel(shared.resolve("model"));
    String whole = Files.readString(Path.of("../../data/shakespeare.txt"), StandardCharsets.UTF_8);
    text = Files.writeString(shared.resolve("text.txt"), whole.substring(0, 20_000));
  }

  private static Object[] training(Path output) {
    return new Object[] {
      "train-ce",
      "--dataset=" + text,
      "--text_format=document",
      "--model_path=" + model,
      "--iters=" + STEPS,
      "--batch_size=2",
      "--seq_len=16",
      "--eval_interval=10",
      "--eval_tokens=500",
      "--threads=1",
      "--dtype=fp32",
      "--output_dir=" + output,
    };
  }

  private Path train(String name, Object... more) {
    Path output = directory.resolve(name);
    CommandRun.succeeding(
        CommandRun.with(CommandRun.with(new Object[] {"spark"}, training(output)), more));
    return output.resolve("model");
  }

  @ParameterizedTest
  @CsvSource({"none, 20", "local[1], 7"})
  void oneWorkerWhoseWeightsAreTakenAsTheyAreGivesTheModelOfTrainCe(String master, int innerSteps)
      throws IOException {
    Path plain = directory.resolve("plain");
    CommandRun.succeeding(training(plain));

    Path joined =
        train(
            "joined",
            "--master=" + master,
            "--workers=1",
            "--inner_steps=" + innerSteps,
            "--outer_lr=1",
            "--outer_momentum=0");

    CommandRun.assertEqualModels(joined, plain.resolve("model"));
  }

  @ParameterizedTest
  @CsvSource({"2, fp32", "4, int8"})
  void workersOnSparkGiveTheModelOfWorkersOneAfterTheOther(int workers, String deltaType)
      throws IOException {
    Object[] options = {
      "--workers=" + workers, "--inner_steps=8", "--delta_dtype=" + deltaType,
    };
    Path expected = train("sequential", CommandRun.with(options, "--master=none"));
    Path actual = train("spark", CommandRun.with(options, "--master=local[2]"));

    CommandRun.assertEqualModels(actual, expected);
    assertThat(directory.resolve("spark/metrics.csv"))
        .content()
        .startsWith("step,loss,eval_loss,eval_loss_before_outer,outer_flip_rate,tok_s\n8,")
        .hasLineCount(1 + Math.ceilDiv(STEPS, 8));
  }

  @Test
  void aDriverThatIsKilledInAnyPhaseOfACommitAndResumedGivesTheModelOfOneThatWasNot()
      throws Exception {
    Object[] options = {"--inner_steps=4", "--delta_dtype=int8"};
    Path expected = train("whole", CommandRun.with(options, "--master=none"));
    Path output = directory.resolve("killed");
    Path checkpoints = output.resolve("checkpoints");
    KillingWitness.kill(output, RoundPhase.JOINED, 4);
    KillingWitness.kill(output, RoundPhase.COMMITTED, 8);
    KillingWitness.kill(output, RoundPhase.CHANGE_WRITTEN, 12);

    killed(output, CommandRun.with(options, "--master=none"));
    assertThat(checkpoints.resolve("step-00000008")).doesNotExist();
    // what a driver leaves that is killed while it writes
    Files.createDirectories(checkpoints.resolve("step-00000008.part"));
    Files.writeString(checkpoints.resolve("step-00000008.part/state.safetensors"), "half");
    killed(output, CommandRun.with(options, "--master=none", "--resume=auto"));
    assertThat(checkpoints.resolve("step-00000012/manifest.json")).exists();
    killed(output, CommandRun.with(options, "--master=none", "--resume=auto"));
    Path resumed = train("killed", CommandRun.with(options, "--master=local[2]", "--resume=auto"));

    assertThat(KillingWitness.isDone(output)).isTrue();
    CommandRun.assertEqualModels(resumed, expected);
  }

  private void killed(Path output, Object... more) throws Exception {
    assertThat(start(output, more).waitFor())
        .as(Files.readString(directory.resolve("log")))
        .isEqualTo(137);
    assertThat(output.resolve("model")).doesNotExist();
  }

  private Process start(Path output, Object... more) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "spark"));
    command.addAll(List.of(CommandRun.strings(CommandRun.with(training(output), more))));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(directory.resolve("log").toFile())
        .start();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--master=nowhere | --master nowhere is not the address of a Spark master; use local[2],"
            + " spark://HOST:7077, yarn or k8s://https://HOST:PORT",
        "--workers=0 | --workers 0 must be at least 1",
        "--inner_steps=0 | --inner_steps 0 must be at least 1",
        "--outer_lr=0 | --outer_lr 0.0 is not above 0 and at most 10; use 0.7",
        "--outer_momentum=1 | --outer_momentum 1.0 is not from 0 to below 1; use 0.5",
        "--delta_dtype=fp8 | --delta_dtype \"fp8\" is unknown; use one of fp32, bf16, int8",
        "--hang_timeout=-1 | --hang_timeout -1 must be at least 0",
      })
  void whatCannotWorkIsToldInOneLine(String option, String message) {
    Path output = directory.resolve("refused");
    CommandRun run =
        CommandRun.of(
            CommandRun.with(CommandRun.with(new Object[] {"spark"}, training(output)), option));

    assertThat(run.err()).isEqualTo("bitnet: %s%n".formatted(message));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(output).doesNotExist();
  }

  @Test
  void aRunIsResumedWithItsOwnSettingsOnly() {
    train("run", "--inner_steps=10", "--master=none");
    CommandRun run =
        CommandRun.of(
            CommandRun.with(
                CommandRun.with(new Object[] {"spark"}, training(directory.resolve("run"))),
                "--master=none",
                "--inner_steps=5",
                "--outer_momentum=0",
                "--resume=auto"));

    assertThat(run.err())
        .endsWith(
            "was made with other options: --inner_steps was 10, now 5, --outer_momentum was 0.5,"
                + " now 0; resume with the same ones%n".formatted());
  }
}
