package bitnet.cli.commands;

import bitnet.cli.output.ExitCode;
import bitnet.report.RunReport;
import bitnet.report.TrainingRun;
import bitnet.storage.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `bitnet report`: one page about a run, or about two side by side.
@Command(
    name = "report",
    description =
        "Write an HTML page of plots from the logs of one run, or of two runs side by side.",
    sortOptions = false)
public final class Report implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "1..*",
      paramLabel = "RUN",
      description =
          "The --output_dir of train-ce or train-grpo (metrics.csv and, for train-grpo, "
              + "answers.jsonl), or a CSV file from --csv_log. One or two runs; a run may "
              + "still be in progress.")
  private List<Path> paths;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description =
          "HTML page to write; it needs no other files (default: report.html in the RUN).")
  private @Nullable Path output;

  private Report() {}

  @Override
  public Integer call() throws IOException {
    List<TrainingRun> runs = new ArrayList<>();
    for (Path path : paths) {
      runs.add(TrainingRun.read(path));
    }
    String page = new RunReport(runs).html();
    Path target = output == null ? besideRun(paths.getFirst()) : output;
    AtomicFile.write(target, page.getBytes(StandardCharsets.UTF_8));
    spec.commandLine().getOut().println("wrote " + target);
    return ExitCode.OK;
  }

  private static Path besideRun(Path run) {
    return Files.isDirectory(run) ? run.resolve("report.html") : run.resolveSibling("report.html");
  }
}
