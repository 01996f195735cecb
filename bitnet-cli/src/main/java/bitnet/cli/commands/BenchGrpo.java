package bitnet.cli.commands;

import bitnet.cli.option.ComputeOptions;
import bitnet.cli.option.ShapeOptions;
import bitnet.cli.output.ExitCode;
import bitnet.device.ProcessorFeatures;
import bitnet.device.SystemMemory;
import bitnet.graph.DeviceSelector;
import bitnet.grpo.GrpoBenchmark;
import bitnet.kernel.CacheType;
import bitnet.model.LlamaConfig;
import bitnet.runtime.LmHeadType;
import bitnet.runtime.RuntimeSettings;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet bench grpo`: seconds per step of GRPO, by what they are spent on.
@Command(
    name = "grpo",
    description = "Measure the duration of GRPO steps of a model with random weights.",
    sortOptions = false)
final class BenchGrpo implements Callable<Integer> {
  private static final int CONTEXT = 512;
  private static final int LEAST_VOCABULARY = 256;

  @Spec private CommandSpec spec;

  @Mixin private ShapeOptions shape;

  @Option(
      names = "--batch_size",
      defaultValue = "16",
      paramLabel = "N",
      description = "Prompts per step, at least 1 (default: ${DEFAULT-VALUE}).")
  private int queries;

  @Option(
      names = "--group_size",
      defaultValue = "8",
      paramLabel = "N",
      description = "Completions per prompt, at least 2 (default: ${DEFAULT-VALUE}).")
  private int groupSize;

  @Option(
      names = "--max_length",
      defaultValue = "32",
      paramLabel = "N",
      description = "Tokens of each completion (default: ${DEFAULT-VALUE}).")
  private int fresh;

  @Option(
      names = "--beta",
      defaultValue = "0.04",
      paramLabel = "X",
      description =
          "Coefficient of the KL penalty; 0 disables the reference model (default: "
              + "${DEFAULT-VALUE}).")
  private double beta;

  @Option(
      names = "--steps",
      defaultValue = "3",
      paramLabel = "N",
      description = "Measured steps, after a warm-up (default: ${DEFAULT-VALUE}).")
  private int steps;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Mixin private ComputeOptions compute;

  private BenchGrpo() {}

  @Override
  public Integer call() throws IOException {
    LlamaConfig config = shape.config(CONTEXT);
    if (config.vocabSize() < LEAST_VOCABULARY) {
      throw new IllegalArgumentException(
          "--vocab_size %d is less than %d, an id for each byte of the questions; use %d"
              .formatted(config.vocabSize(), LEAST_VOCABULARY, LEAST_VOCABULARY));
    }
    GrpoBenchmark benchmark =
        new GrpoBenchmark(
            config,
            compute.type(ProcessorFeatures.current()),
            queries,
            groupSize,
            fresh,
            beta,
            steps);
    print(
        config,
        benchmark.run(
            new DeviceSelector().select(compute.device()),
            new RuntimeSettings(compute.threads(), "auto", LmHeadType.FP32, CacheType.FP32)));
    return ExitCode.OK;
  }

  private void print(LlamaConfig config, GrpoBenchmark.Result result) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    double rss = SystemMemory.peakResidentBytes() / (double) (1 << 20);
    if (json) {
      ObjectMapper mapper = new ObjectMapper();
      ObjectNode node = mapper.createObjectNode();
      node.put("parameters", config.parameterCount());
      node.put("step_s", result.step());
      node.put("rollout_s", result.rollout());
      node.put("reward_s", result.reward());
      node.put("reference_s", result.reference());
      node.put("update_s", result.update());
      node.put("repack_s", result.repack());
      node.put("rollout_tok_s", result.rolloutTokensPerSecond());
      node.put("peak_rss_mib", rss);
      out.println(mapper.writeValueAsString(node));
      return;
    }
    out.printf(
        Locale.ROOT,
        "%,d parameters, %d prompts x %d completions x %d tokens: %.2f s per step%n",
        config.parameterCount(),
        queries,
        groupSize,
        fresh,
        result.step());
    out.printf(
        Locale.ROOT,
        "rollouts %.2f s (%,.0f tok/s), rewards %.2f, reference %.2f, update %.2f, repacking %.2f%n",
        result.rollout(),
        result.rolloutTokensPerSecond(),
        result.reward(),
        result.reference(),
        result.update(),
        result.repack());
    out.printf(Locale.ROOT, "peak memory %.0f MiB%n", rss);
  }
}
