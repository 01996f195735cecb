package bitnet.cli.commands;

import bitnet.checkpoint.ModelInspection;
import bitnet.checkpoint.ModelSource;
import bitnet.cli.option.HubModel;
import bitnet.cli.option.ModelOptions;
import bitnet.cli.output.ExitCode;
import bitnet.cli.output.InspectionPage;
import bitnet.cli.output.InspectionText;
import bitnet.storage.AtomicFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `bitnet inspect`: what is in a model.
@Command(
    name = "inspect",
    description =
        "Show the tensors of a model with types and sizes, and statistics of its "
            + "ternary weights.",
    sortOptions = false)
public final class Inspect implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "PATH", description = "Model: " + ModelOptions.KINDS)
  private Path modelPath;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description =
          "Also write an HTML page with plots to this file; the page needs no other files.")
  private @Nullable Path html;

  private Inspect() {}

  @Override
  public Integer call() throws IOException {
    ModelInspection inspection;
    try (ModelSource source = ModelSource.open(HubModel.local(modelPath))) {
      inspection = ModelInspection.of(source);
    }
    InspectionText text = new InspectionText(modelPath.toString(), inspection);
    if (html != null) {
      String page = new InspectionPage(modelPath.toString(), inspection).html();
      AtomicFile.write(html, page.getBytes(StandardCharsets.UTF_8));
    }
    PrintWriter out = spec.commandLine().getOut();
    out.print(json ? text.json() : text.table());
    return ExitCode.OK;
  }
}
