package bitnet.cli.commands;

import bitnet.cli.option.ComputeOptions;
import bitnet.cli.option.LoraOptions;
import bitnet.cli.option.ShapeOptions;
import bitnet.cli.output.ExitCode;
import bitnet.device.ProcessorFeatures;
import bitnet.device.SystemMemory;
import bitnet.graph.ComputeType;
import bitnet.graph.DeviceSelector;
import bitnet.graph.ForwardPass;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.runtime.InferenceBenchmark;
import bitnet.training.TrainingBenchmark;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet bench train`: tokens per second of training, and the machine's matrix products.
@Command(
    name = "train",
    description = "Measure training speed on random tokens.",
    sortOptions = false)
final class BenchTrain implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @Mixin private ShapeOptions shape;

  @Option(
      names = "--shape",
      paramLabel = "S",
      description =
          "Train a known shape: 100m, 750m, 2b4t, bonsai-1.7b or bonsai-8b, in place of the"
              + " dimensions above.")
  private @Nullable String known;

  @Option(
      names = "--batch_size",
      defaultValue = "8",
      paramLabel = "N",
      description = "Sequences per batch (default: ${DEFAULT-VALUE}).")
  private int batch;

  @Option(
      names = "--seq_len",
      defaultValue = "256",
      paramLabel = "N",
      description = "Tokens per sequence (default: ${DEFAULT-VALUE}).")
  private int seq;

  @Option(
      names = "--steps",
      defaultValue = "10",
      paramLabel = "N",
      description = "Measured steps, after a warm-up (default: ${DEFAULT-VALUE}).")
  private int steps;

  @Option(
      names = "--grad_checkpoint",
      description = "Keep only the inputs of each layer, as train-ce --grad_checkpoint.")
  private boolean gradCheckpoint;

  @Mixin private LoraOptions lora;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Mixin private ComputeOptions compute;

  private BenchTrain() {}

  @Override
  public Integer call() throws IOException {
    LlamaConfig config = known == null ? shape.config(seq) : known(known);
    ComputeType type = compute.type(ProcessorFeatures.current());
    Optional<LoraSettings> adapter = lora.settings();
    TrainingBenchmark benchmark =
        new TrainingBenchmark(config, type, batch, seq, steps, compute.threads(), keep(), adapter);
    print(type, benchmark.run(new DeviceSelector().select(compute.device())));
    return ExitCode.OK;
  }

  private LlamaConfig known(String name) {
    for (String dimension : ShapeOptions.NAMES) {
      if (spec.commandLine().getParseResult().hasMatchedOption(dimension)) {
        throw new IllegalArgumentException(
            "%s has no effect with --shape, which has dimensions of its own; leave one of them out"
                .formatted(dimension));
      }
    }
    return InferenceBenchmark.shape(name).withContextLength(seq);
  }

  private ForwardPass.Keep keep() {
    return gradCheckpoint ? ForwardPass.Keep.LAYER_INPUTS : ForwardPass.Keep.ALL;
  }

  private void print(ComputeType type, TrainingBenchmark.Result result) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    double rss = SystemMemory.peakResidentBytes() / (double) (1 << 20);
    if (json) {
      ObjectMapper mapper = new ObjectMapper();
      ObjectNode node = mapper.createObjectNode();
      node.put("dtype", type.name().toLowerCase(Locale.ROOT));
      node.put("parameters", result.parameters());
      lora.settings().ifPresent(each -> node.put("lora_rank", each.rank()));
      node.put("tok_s", result.tokensPerSecond());
      node.put("ms_per_step", result.step().total());
      node.put("forward_ms", result.step().forward());
      node.put("backward_ms", result.step().backward());
      node.put("optimizer_ms", result.step().optimizer());
      node.put("peak_rss_mib", rss);
      node.put("roofline_gflops", result.rooflineGflops());
      node.put("fraction", result.fraction());
      out.println(mapper.writeValueAsString(node));
      return;
    }
    out.printf(
        Locale.ROOT,
        "%s, %,d parameters%s, %d x %d tokens: %,.0f tok/s%n",
        type,
        result.parameters(),
        lora.settings().map(each -> ", adapter of rank " + each.rank()).orElse(""),
        batch,
        seq,
        result.tokensPerSecond());
    out.printf(
        Locale.ROOT,
        "step %.0f ms: forward %.0f, backward %.0f, optimizer %.0f; loss %.3f -> %.3f%n",
        result.step().total(),
        result.step().forward(),
        result.step().backward(),
        result.step().optimizer(),
        result.firstLoss(),
        result.lastLoss());
    out.printf(
        Locale.ROOT,
        "%.0f%% of this machine's %.0f GFLOP/s in matrix products; peak memory %.0f MiB%n",
        100 * result.fraction(),
        result.rooflineGflops(),
        rss);
  }
}
