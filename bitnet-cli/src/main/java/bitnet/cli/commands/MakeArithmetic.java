package bitnet.cli.commands;

import bitnet.cli.output.ExitCode;
import bitnet.data.ArithmeticTask;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet make-data arithmetic`: sums, differences and products with worked steps.
@Command(
    name = "arithmetic",
    description = "Write distinct arithmetic questions with reasoning steps and answers as JSONL.",
    sortOptions = false)
final class MakeArithmetic implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "FILE",
      description = "JSONL file to write, with the fields query, answer and reasoning.")
  private Path output;

  @Option(
      names = "--count",
      defaultValue = "5000",
      paramLabel = "N",
      description = "Number of questions, at least 1 (default: ${DEFAULT-VALUE}).")
  private int count;

  @Option(
      names = "--eval_output",
      paramLabel = "FILE",
      description =
          "Held-out JSONL file to write; shares no question with --output, also not with its"
              + " operands in another order.")
  private @Nullable Path evalOutput;

  @Option(
      names = "--eval_count",
      paramLabel = "N",
      description = "Number of held-out questions (default: 500).")
  private @Nullable Integer evalCount;

  @Option(
      names = "--digits",
      defaultValue = "2",
      paramLabel = "N",
      description = "Maximum number of digits of an operand (default: ${DEFAULT-VALUE}).")
  private int digits;

  @Option(
      names = "--ops",
      defaultValue = "+",
      paramLabel = "OPS",
      description =
          "Operators to use, some of + - *, for example --ops=\"+-\" (default: "
              + "${DEFAULT-VALUE}).")
  private String operations;

  @Option(
      names = "--steps",
      defaultValue = "1",
      paramLabel = "N",
      description = "Operators per question (default: ${DEFAULT-VALUE}).")
  private int steps;

  @Option(names = "--no_reasoning", description = "Write no reasoning steps.")
  private boolean withoutReasoning;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "S",
      description = "Random seed of the questions (default: ${DEFAULT-VALUE}).")
  private long seed;

  private MakeArithmetic() {}

  @Override
  public Integer call() throws IOException {
    if (evalOutput == null && evalCount != null) {
      throw new IllegalArgumentException("--eval_count needs --eval_output, the file to write");
    }
    if (evalOutput != null && evalOutput.toAbsolutePath().equals(output.toAbsolutePath())) {
      throw new IllegalArgumentException(
          "--output and --eval_output are the same file, %s; name two".formatted(output));
    }
    int heldOut = evalOutput == null ? 0 : evalCount == null ? 500 : evalCount;
    if (count < 1 || (evalOutput != null && heldOut < 1)) {
      throw new IllegalArgumentException("--count and --eval_count must be at least 1");
    }
    ArithmeticTask task = new ArithmeticTask(digits, operations, steps, !withoutReasoning, seed);
    ArithmeticTask.Split split =
        evalOutput == null
            ? new ArithmeticTask.Split(task.records(count), List.of())
            : task.split(count, heldOut);
    PrintWriter out = spec.commandLine().getOut();
    MakeData.showAndWrite(out, output, split.training(), "questions");
    if (evalOutput != null) {
      MakeData.write(out, evalOutput, split.heldOut(), "questions");
    }
    return ExitCode.OK;
  }
}
