package bitnet.cli.commands;

import bitnet.cli.option.CorrectionDataOptions;
import bitnet.cli.option.DataText;
import bitnet.cli.output.ExitCode;
import bitnet.data.MistakeTask;
import bitnet.data.QaDataset;
import bitnet.data.QaRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet make-data mistakes`: corrections of first answers with a digit off.
@Command(
    name = "mistakes",
    description =
        "Write corrections of first answers as JSONL; some first answers have one digit replaced.",
    sortOptions = false)
final class MakeMistakes implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--from",
      required = true,
      paramLabel = "FILE",
      description =
          "Questions: JSON or JSONL with the fields query, answer and, optionally, reasoning; the"
              + " answers are numbers. "
              + DataText.FORMS)
  private Path source;

  @Mixin private CorrectionDataOptions corrections;

  @Option(
      names = "--every",
      defaultValue = "1",
      paramLabel = "N",
      description = "Take every N-th question, at least 1 (default: ${DEFAULT-VALUE}).")
  private int every;

  @Option(
      names = "--probability",
      defaultValue = "0.5",
      paramLabel = "P",
      description = "Probability of a wrong first answer, 0 to 1 (default: ${DEFAULT-VALUE}).")
  private double probability;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "S",
      description = "Random seed of the wrong answers (default: ${DEFAULT-VALUE}).")
  private long seed;

  private MakeMistakes() {}

  @Override
  public Integer call() throws IOException {
    MistakeTask task = new MistakeTask(every, probability, corrections.guidingPrompt(), seed);
    List<QaRecord> questions = QaDataset.load(source, corrections.policy()).records();
    MakeData.showAndWrite(
        spec.commandLine().getOut(), corrections.output(), task.records(questions), "corrections");
    return ExitCode.OK;
  }
}
