package bitnet.cli.option;

import bitnet.data.BadRecordPolicy;
import bitnet.data.QaTemplate;
import bitnet.grpo.GuidingPrompts;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Options of the commands that make datasets of corrections.
public final class CorrectionDataOptions {

  @Option(
      names = "--output",
      required = true,
      paramLabel = "FILE",
      description = "JSONL file to write, with the fields query, answer and reasoning.")
  private Path output;

  @Option(
      names = "--guiding_prompt",
      defaultValue = QaTemplate.GUIDING_PROMPT,
      paramLabel = "TEXT|FILE",
      description =
          "Guiding prompt that asks for a correction, as in training: a text, or a file with one; "
              + QaTemplate.QUERY
              + " is replaced by the question (default: \"${DEFAULT-VALUE}\").")
  private String guidingPrompt;

  @Mixin private BadRecordOptions badRecords;

  private CorrectionDataOptions() {}

  /// The file to write.
  public Path output() {
    return output;
  }

  /// The guiding prompt, with [QaTemplate#QUERY] in place of the question.
  ///
  /// @throws IllegalArgumentException if a file has none or several
  public String guidingPrompt() throws IOException {
    return GuidingPrompts.phrase(guidingPrompt);
  }

  /// What becomes of malformed records.
  ///
  /// @throws IllegalArgumentException if its name is unknown
  public BadRecordPolicy policy() {
    return badRecords.policy();
  }
}
