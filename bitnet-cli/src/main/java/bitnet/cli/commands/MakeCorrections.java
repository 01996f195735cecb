package bitnet.cli.commands;

import bitnet.cli.option.CorrectionDataOptions;
import bitnet.cli.option.DataText;
import bitnet.cli.output.ExitCode;
import bitnet.data.BadRecordPolicy;
import bitnet.data.CorrectionDataset;
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

/// `bitnet make-data corrections`: corrections of the answers that a GRPO run drew.
@Command(
    name = "corrections",
    description =
        "Write corrections of the first answers in a completions log as JSONL: as many wrong ones"
            + " as right ones.",
    sortOptions = false)
final class MakeCorrections implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--from",
      required = true,
      paramLabel = "FILE",
      description = "Completions log, written by train-grpo --completions_log. " + DataText.FORMS)
  private Path source;

  @Option(
      names = "--questions",
      required = true,
      paramLabel = "FILE",
      description =
          "Questions of that run: JSON or JSONL with the fields query, answer and, optionally,"
              + " reasoning. "
              + DataText.FORMS)
  private Path questions;

  @Mixin private CorrectionDataOptions corrections;

  private MakeCorrections() {}

  @Override
  public Integer call() throws IOException {
    BadRecordPolicy policy = corrections.policy();
    List<QaRecord> records =
        CorrectionDataset.read(
            source,
            QaDataset.load(questions, policy).records(),
            corrections.guidingPrompt(),
            policy);
    MakeData.showAndWrite(
        spec.commandLine().getOut(), corrections.output(), records, "corrections");
    return ExitCode.OK;
  }
}
