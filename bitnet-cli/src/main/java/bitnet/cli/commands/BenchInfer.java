package bitnet.cli.commands;

import bitnet.checkpoint.ModelSource;
import bitnet.cli.option.HubModel;
import bitnet.cli.option.ModelOptions;
import bitnet.cli.option.RuntimeOptions;
import bitnet.cli.output.ExitCode;
import bitnet.runtime.InferenceBenchmark;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet bench infer`: tokens per second of the packed runtime, and the machine's memory
/// bandwidth.
@Command(name = "infer", description = "Measure prefill and decode speed.", sortOptions = false)
final class BenchInfer implements Callable<Integer> {

  @Spec private CommandSpec spec;

  /// What is measured: a model, or random weights.
  private static final class Subject {
    @Option(
        names = "--model_path",
        paramLabel = "DIR",
        description = "Measure this model: " + ModelOptions.KINDS)
    private @Nullable Path modelPath;

    @Option(
        names = "--shape",
        paramLabel = "S",
        description =
            "Measure random weights of a known shape: 100m, 750m, 2b4t, bonsai-1.7b or "
                + "bonsai-8b.")
    private @Nullable String shape;

    private Subject() {}
  }

  @ArgGroup(multiplicity = "1")
  private Subject subject;

  @Option(
      names = "--prompt_tokens",
      defaultValue = "128",
      paramLabel = "N",
      description = "Tokens of the prompt (prefill) (default: ${DEFAULT-VALUE}).")
  private int prompt;

  @Option(
      names = "--max_length",
      defaultValue = "64",
      paramLabel = "N",
      description = "Tokens to generate (decode) (default: ${DEFAULT-VALUE}).")
  private int fresh;

  @Option(
      names = "--batch_size",
      defaultValue = "1",
      paramLabel = "N",
      description = "Also decode N sequences as one batch (default: ${DEFAULT-VALUE}).")
  private int batch;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Mixin private RuntimeOptions runtime;

  private BenchInfer() {}

  @Override
  public Integer call() throws IOException {
    if (runtime.settings().fullPrecision()) {
      throw new IllegalArgumentException(
          "--full_precision: bench infer measures packed ternary weights; leave it out");
    }
    InferenceBenchmark benchmark = new InferenceBenchmark(prompt, fresh, batch);
    if (subject.shape != null) {
      print(
          subject.shape,
          benchmark.run(InferenceBenchmark.shape(subject.shape), runtime.settings()));
    } else if (subject.modelPath != null) {
      try (ModelSource source = ModelSource.open(HubModel.local(subject.modelPath))) {
        print(subject.modelPath.toString(), benchmark.run(source.ternary(), runtime.settings()));
      }
    }
    return ExitCode.OK;
  }

  private void print(String name, InferenceBenchmark.Result result) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    double rss = result.peakMemory() / (double) (1 << 20);
    if (json) {
      ObjectMapper mapper = new ObjectMapper();
      ObjectNode node = mapper.createObjectNode();
      node.put("shape", name);
      node.put("threads", runtime.settings().threads());
      node.put("kernel", result.description());
      node.put("load_s", result.loadSeconds());
      node.put("prefill_tok_s", result.rates().prefill());
      node.put("decode_tok_s", result.rates().decode());
      if (batch > 1) {
        node.put("batch", batch);
        node.put("batch_tok_s", result.rates().batch());
      }
      node.put("bandwidth_gb_s", result.decodeBandwidth() / 1e9);
      node.put("read_bandwidth_gb_s", result.limits().memory() / 1e9);
      node.put("kernel_gb_s", result.limits().kernel() / 1e9);
      node.put("peak_rss_mib", rss);
      out.println(mapper.writeValueAsString(node));
      return;
    }
    out.printf(
        Locale.ROOT, "%s, %,d parameters: %s%n", name, result.parameters(), result.description());
    out.printf(
        Locale.ROOT,
        "loaded in %.2f s; prefill %.1f tok/s, decode %.1f tok/s%n",
        result.loadSeconds(),
        result.rates().prefill(),
        result.rates().decode());
    if (batch > 1) {
      out.printf(
          Locale.ROOT,
          "batch of %d sequences: decode %.1f tok/s, %.1f times one%n",
          batch,
          result.rates().batch(),
          result.rates().batch() / result.rates().decode());
    }
    out.printf(
        Locale.ROOT,
        "%.1f GB/s of weights in decode; this machine reads %.1f GB/s from memory, its kernel"
            + " %.1f GB/s from cache: %.0f%% of the lower; peak memory %.0f MiB%n",
        result.decodeBandwidth() / 1e9,
        result.limits().memory() / 1e9,
        result.limits().kernel() / 1e9,
        100 * result.decodeBandwidth() / result.limits().lower(),
        rss);
  }
}
