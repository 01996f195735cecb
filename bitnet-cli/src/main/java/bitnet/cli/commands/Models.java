package bitnet.cli.commands;

import bitnet.cli.output.ExitCode;
import bitnet.hub.CachedRepository;
import bitnet.hub.HubEnvironment;
import bitnet.hub.RepositoryKind;
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

/// `bitnet models`: the models and datasets in the cache.
@Command(
    name = "models",
    description = "List the downloaded models and datasets with size and last use, or remove one.",
    sortOptions = false)
public final class Models implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--remove",
      paramLabel = "ORG/NAME",
      description =
          "Remove this model, or datasets/ORG/NAME, with all its revisions from the cache.")
  private @Nullable String remove;

  private Models() {}

  @Override
  public Integer call() throws IOException {
    Path cache = new HubEnvironment(System.getenv()).cache();
    List<CachedRepository> all = CachedRepository.list(cache);
    PrintWriter out = spec.commandLine().getOut();
    if (remove == null) {
      long models = all.stream().filter(each -> each.kind() == RepositoryKind.MODEL).count();
      out.printf("%d models and %d datasets in %s%n", models, all.size() - models, cache);
      for (CachedRepository each : all) {
        out.printf(
            "%,15d bytes  %s  %s%n",
            each.bytes(), each.lastUse().toString().substring(0, 10), each.repository());
      }
      return ExitCode.OK;
    }
    CachedRepository removed =
        all.stream()
            .filter(each -> each.repository().equals(remove))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "%s is not in %s; bitnet models lists what is".formatted(remove, cache)));
    removed.remove();
    out.printf("removed %s: %,d bytes%n", remove, removed.bytes());
    return ExitCode.OK;
  }
}
