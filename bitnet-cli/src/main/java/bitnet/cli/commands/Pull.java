package bitnet.cli.commands;

import bitnet.cli.option.HubModel;
import bitnet.cli.output.ExitCode;
import bitnet.hub.HubName;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `bitnet pull`: downloads a model of a Hugging Face hub.
@Command(
    name = "pull",
    description =
        "Download a model of the Hugging Face hub into the cache; an interrupted download"
            + " continues.",
    sortOptions = false)
public final class Pull implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description = "ORG/NAME[@REVISION][:QUANT or FILE]; QUANT is the suffix of a GGUF file.")
  private String model;

  private Pull() {}

  @Override
  public Integer call() throws IOException {
    HubName name =
        HubName.parse(model)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "\"%s\" is not a model of the hub; use ORG/NAME[@REVISION][:QUANT or FILE]"
                            .formatted(model)));
    spec.commandLine().getOut().println(HubModel.download(name));
    return ExitCode.OK;
  }
}
