package bitnet.cli.commands;

import bitnet.cli.output.ExitCode;
import bitnet.hub.CachedModel;
import bitnet.hub.HubEnvironment;
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

/// `bitnet models`: the models in the cache.
@Command(
    name = "models",
    description = "List the downloaded models with size and last use, or remove one.",
    sortOptions = false)
public final class Models implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--remove",
      paramLabel = "ORG/NAME",
      description = "Remove this model, all its revisions, from the cache.")
  private @Nullable String remove;

  private Models() {}

  @Override
  public Integer call() throws IOException {
    Path cache = new HubEnvironment(System.getenv()).cache();
    List<CachedModel> models = CachedModel.list(cache);
    PrintWriter out = spec.commandLine().getOut();
    if (remove == null) {
      out.printf("%d models in %s%n", models.size(), cache);
      for (CachedModel model : models) {
        out.printf(
            "%,15d bytes  %s  %s%n",
            model.bytes(), model.lastUse().toString().substring(0, 10), model.repository());
      }
      return ExitCode.OK;
    }
    CachedModel model =
        models.stream()
            .filter(each -> each.repository().equals(remove))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "%s is not in %s; bitnet models lists what is".formatted(remove, cache)));
    model.remove();
    out.printf("removed %s: %,d bytes%n", remove, model.bytes());
    return ExitCode.OK;
  }
}
