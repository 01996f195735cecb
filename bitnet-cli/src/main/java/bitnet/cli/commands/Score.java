package bitnet.cli.commands;

import bitnet.cli.option.BadRecordOptions;
import bitnet.cli.option.DataText;
import bitnet.cli.output.ExitCode;
import bitnet.cli.output.ScoreTable;
import bitnet.data.CompletionDataset;
import bitnet.data.ReferencedCompletion;
import bitnet.eval.ScoredRecord;
import bitnet.reward.FinalAnswer;
import bitnet.reward.RewardSpec;
import bitnet.reward.WeightedReward;
import bitnet.setting.SettingChecks;
import bitnet.storage.AtomicFile;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet score`: what a reward says of completions that are there already.
@Command(
    name = "score",
    description = "Score completions with a reward, to try it before training.",
    sortOptions = false)
public final class Score implements Callable<Integer> {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String SCORE = "score";
  private static final String EXTRACTED = "extracted";

  @Spec private CommandSpec spec;

  @Option(
      names = "--reward",
      required = true,
      paramLabel = "R",
      description =
          "The reward: f1 (qa_reward), final_answer (exact), format, length, random (a control), an"
              + " expression over these like 0.7*f1+0.3*format, the directory of a model from"
              + " train-reward, or a class.")
  private String reward;

  @Option(
      names = "--dataset",
      required = true,
      paramLabel = "FILE",
      description =
          "JSONL or a JSON array of {\"query\", \"answer\", \"completion\"}; answer is the"
              + " reference answer. The --completions_log of train-grpo is read too. "
              + DataText.FORMS)
  private Path dataset;

  @Mixin private BadRecordOptions badRecords;

  @Option(
      names = "--rows",
      defaultValue = "20",
      paramLabel = "N",
      description = "Records in the table, at least 0 (default: ${DEFAULT-VALUE}).")
  private int rows;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description =
          "Write the records as JSONL, with the fields \"score\" and \"extracted\" (the final"
              + " answer that was found, or null) added.")
  private @Nullable Path output;

  @Option(
      names = "--json",
      description =
          "Print one JSON object per record, in order, with the fields score and extracted.")
  private boolean json;

  private Score() {}

  @Override
  public Integer call() throws IOException {
    SettingChecks.atLeast("rows", rows, 0);
    List<ScoredRecord> scored;
    PrintWriter out = spec.commandLine().getOut();
    try (WeightedReward opened = new RewardSpec(List.of(reward), List.of()).open()) {
      CompletionDataset data = CompletionDataset.load(dataset, badRecords.policy());
      if (!json) {
        out.println(dataset + ": " + data.summary());
      }
      scored = score(opened, data.records());
    }
    if (output != null) {
      write(output, scored);
    }
    if (json) {
      scored.forEach(record -> out.println(fields(MAPPER.createObjectNode(), record)));
    } else {
      out.print(ScoreTable.of(reward, scored, rows));
    }
    return ExitCode.OK;
  }

  private List<ScoredRecord> score(WeightedReward opened, List<ReferencedCompletion> records) {
    List<ScoredRecord> scored = new ArrayList<>();
    for (ReferencedCompletion record : records) {
      scored.add(
          new ScoredRecord(
              record,
              outcome(opened, record, scored.size() + 1),
              FinalAnswer.of(record.completion()),
              FinalAnswer.isRight(record.answer(), record.completion())));
    }
    return scored;
  }

  private double outcome(WeightedReward opened, ReferencedCompletion record, int number) {
    try {
      return opened.score(record.query(), record.answer(), record.completion()).outcome();
    } catch (IllegalArgumentException failure) {
      throw new IllegalArgumentException(
          "%s: record %d: %s".formatted(dataset, number, failure.getMessage()), failure);
    }
  }

  private static void write(Path file, List<ScoredRecord> scored) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (ScoredRecord record : scored) {
      lines.append(fields(record.record().fields().deepCopy(), record)).append('\n');
    }
    AtomicFile.write(file, lines.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static ObjectNode fields(ObjectNode node, ScoredRecord record) {
    return node.put(SCORE, record.score()).put(EXTRACTED, record.extracted().orElse(null));
  }
}
