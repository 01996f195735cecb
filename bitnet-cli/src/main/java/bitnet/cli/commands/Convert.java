package bitnet.cli.commands;

import bitnet.checkpoint.AdapterDirectory;
import bitnet.checkpoint.GgufAdapter;
import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelFormat;
import bitnet.checkpoint.ModelSource;
import bitnet.cli.option.AdapterOptions;
import bitnet.cli.option.HubModel;
import bitnet.cli.option.ModelOptions;
import bitnet.cli.output.ExitCode;
import bitnet.cli.output.Terminal;
import bitnet.storage.Directories;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet convert`: a model in another form, weights, tokenizer and chat template.
@Command(
    name = "convert",
    description =
        "Convert a model to another format, with its tokenizer and chat template. "
            + "Ternary weights and scales are preserved exactly.",
    sortOptions = false)
public final class Convert implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--from",
      required = true,
      paramLabel = "PATH",
      description = "Model: " + ModelOptions.KINDS)
  private Path from;

  @Option(
      names = "--to",
      required = true,
      paramLabel = "PATH",
      description = "Where to write the model. The output appears only when it is complete.")
  private Path to;

  @Option(
      names = "--format",
      required = true,
      paramLabel = "F",
      completionCandidates = Formats.class,
      description = "Output format: ${COMPLETION-CANDIDATES}.")
  private String format;

  @Option(
      names = "--merge_adapter",
      paramLabel = "DIR",
      description =
          "Add this LoRA adapter to the model's latent weights before they are made ternary again;"
              + " a model that has trits only is refused. Adapter: "
              + AdapterOptions.KINDS)
  private @Nullable Path mergeAdapter;

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description =
          "With --format gguf-lora: write this LoRA adapter of the model, and not the model, as a"
              + " file that llama.cpp takes with --lora. Adapter: "
              + AdapterOptions.KINDS)
  private @Nullable Path adapter;

  @Option(names = "--force", description = "Replace an existing model at the output path.")
  private boolean force;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  private Convert() {}

  /// What `--format` takes.
  private static final class Formats implements Iterable<String> {
    private Formats() {}

    @Override
    public Iterator<String> iterator() {
      return Stream.concat(ModelFormat.keys().stream(), Stream.of(GgufAdapter.FORMAT)).iterator();
    }
  }

  @Override
  public Integer call() throws IOException {
    long start = System.nanoTime();
    requireElsewhere();
    long parameters;
    List<String> remarks;
    Path read = from;
    if (format.equals(GgufAdapter.FORMAT)) {
      parameters = writeAdapter();
      read = Objects.requireNonNull(adapter);
      remarks = List.of("use it with the model in a form that llama.cpp reads, such as gguf-tq2_0");
    } else {
      ModelFormat target = target();
      if (adapter != null) {
        throw new IllegalArgumentException(
            "--adapter is for --format %s; to add an adapter to the model use --merge_adapter"
                .formatted(GgufAdapter.FORMAT));
      }
      try (ModelSource source = open(HubModel.local(from))) {
        parameters = source.weights().config().parameterCount();
        remarks = write(target, source, parameters);
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      printJson(out, read, parameters, remarks, seconds);
    } else {
      out.printf(Locale.ROOT, "from     %s, %,d parameters%n", read, parameters);
      out.printf(
          Locale.ROOT, "to       %s, %s, %,.1f MB%n", to, format, Directories.fileBytes(to) / 1e6);
      remarks.forEach(remark -> out.printf("note     %s%n", remark));
      out.printf(Locale.ROOT, "time     %.1f s%n", seconds);
    }
    return ExitCode.OK;
  }

  private ModelFormat target() {
    try {
      return ModelFormat.of(format);
    } catch (IllegalArgumentException unknown) {
      throw new IllegalArgumentException(
          "%s, or %s for an adapter".formatted(unknown.getMessage(), GgufAdapter.FORMAT), unknown);
    }
  }

  /// Writes the adapter alone.
  ///
  /// @return the number of its parameters
  private long writeAdapter() throws IOException {
    if (adapter == null || mergeAdapter != null) {
      throw new IllegalArgumentException(
          "--format %s writes an adapter; name it with --adapter, and the model that it was trained"
                  .formatted(GgufAdapter.FORMAT)
              + " on with --from, without --merge_adapter");
    }
    try (ModelSource source = ModelSource.open(HubModel.local(from));
        AdapterDirectory opened = AdapterDirectory.open(adapter, source.ternary())) {
      GgufAdapter.write(to, opened, source.weights().config(), existing());
      return opened.settings().parameterCount(source.weights().config());
    }
  }

  private ModelDirectory.Existing existing() {
    return force ? ModelDirectory.Existing.REPLACE : ModelDirectory.Existing.REFUSE;
  }

  private ModelSource open(Path model) throws IOException {
    return mergeAdapter == null
        ? ModelSource.open(model)
        : ModelSource.openMerged(model, mergeAdapter);
  }

  private void requireElsewhere() throws IOException {
    if (Files.exists(to) && Files.exists(from) && Files.isSameFile(from, to)) {
      throw new IllegalArgumentException(
          "--to %s is the model that is read; name another place".formatted(to));
    }
  }

  private List<String> write(ModelFormat target, ModelSource source, long parameters)
      throws IOException {
    if (!Terminal.isInteractive()) {
      return target.write(to, source, existing(), written -> {});
    }
    try (ProgressBar bar =
        new ProgressBarBuilder()
            .setTaskName("convert")
            .setInitialMax(parameters)
            .setUnit("M", 1_000_000)
            .build()) {
      return target.write(to, source, existing(), bar::stepTo);
    }
  }

  private void printJson(
      PrintWriter out, Path read, long parameters, List<String> remarks, double seconds)
      throws IOException {
    ObjectNode root = new ObjectMapper().createObjectNode();
    root.put("from", read.toString());
    root.put("to", to.toString());
    root.put("format", format);
    root.put("parameters", parameters);
    root.put("disk_bytes", Directories.fileBytes(to));
    remarks.forEach(root.putArray("notes")::add);
    root.put("seconds", seconds);
    out.println(root);
  }
}
