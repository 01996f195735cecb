package bitnet.cli.commands;

import bitnet.cli.option.BadRecordOptions;
import bitnet.cli.output.ExitCode;
import bitnet.data.BadRecordPolicy;
import bitnet.data.CorrectionDataset;
import bitnet.data.QaDataset;
import bitnet.data.QaRecord;
import bitnet.data.QaTemplate;
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
        "Write corrections of the first answers in a completions log as JSONL: as many wrong ones as"
            + " right ones.",
    sortOptions = false)
final class MakeCorrections implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--from",
      required = true,
      paramLabel = "FILE",
      description =
          "Completions log, written by train-grpo --completions_log."
              + " Read once: a file or a pipe.")
  private Path source;

  @Option(
      names = "--questions",
      required = true,
      paramLabel = "FILE",
      description =
          "Questions of that run: JSON or JSONL with the fields query, answer and, optionally,"
              + " reasoning."
              + " Read once: a file or a pipe.")
  private Path questions;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "FILE",
      description = "JSONL file to write, with the fields query, answer and reasoning.")
  private Path output;

  @Option(
      names = "--guiding_prompt",
      defaultValue = QaTemplate.GUIDING_PROMPT,
      paramLabel = "TEXT",
      description =
          "Guiding prompt that asks for a correction; "
              + QaTemplate.QUERY
              + " is replaced by the question (default: \"${DEFAULT-VALUE}\").")
  private String guidingPrompt;

  @Mixin private BadRecordOptions badRecords;

  private MakeCorrections() {}

  @Override
  public Integer call() throws IOException {
    BadRecordPolicy policy = badRecords.policy();
    List<QaRecord> records =
        CorrectionDataset.read(
            source, QaDataset.load(questions, policy).records(), guidingPrompt, policy);
    MakeData.showAndWrite(spec.commandLine().getOut(), output, records, "corrections");
    return ExitCode.OK;
  }
}
