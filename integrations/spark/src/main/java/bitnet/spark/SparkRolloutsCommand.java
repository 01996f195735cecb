package bitnet.spark;

import bitnet.checkpoint.ModelSource;
import bitnet.cli.option.AdapterOptions;
import bitnet.cli.option.BadRecordOptions;
import bitnet.cli.option.BenchmarkOptions;
import bitnet.cli.option.ConfigFile;
import bitnet.cli.option.DataText;
import bitnet.cli.option.DeviceOptions;
import bitnet.cli.option.RewardOptions;
import bitnet.cli.output.EvaluationOutput;
import bitnet.cli.output.ExitCode;
import bitnet.data.Benchmark;
import bitnet.data.QaDataset;
import bitnet.data.QaRecord;
import bitnet.eval.SamplesFile;
import bitnet.generation.SamplingSettings;
import bitnet.grpo.PolicyWeights;
import bitnet.grpo.RewardStage;
import bitnet.grpo.Rollout;
import bitnet.grpo.RolloutRequest;
import bitnet.grpo.RolloutSampler;
import bitnet.model.ComputeSettings;
import bitnet.reward.RewardSpec;
import bitnet.reward.WeightedReward;
import bitnet.runtime.RuntimeSettings;
import bitnet.setting.SettingChecks;
import bitnet.storage.ContentDigest;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.OptionValues;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet spark rollouts`: completions of questions, scored, as JSON lines.
@Command(
    name = "rollouts",
    description =
        "Sample completions of questions and score them, on the executors of a cluster, and write"
            + " them as JSON lines.",
    sortOptions = false)
final class SparkRolloutsCommand implements Callable<Integer> {
  private static final int COMPLETIONS_PER_TASK = 256; // as many as compute together, twice

  @Spec private CommandSpec spec;

  @Mixin private AdapterOptions model;

  @Option(
      names = "--dataset",
      paramLabel = "FILE",
      description =
          "Questions: JSONL, a JSON array or Parquet of {\"query\", \"answer\"}. " + DataText.FORMS)
  private @Nullable Path dataset;

  @Mixin private BenchmarkOptions benchmark;

  @Mixin private BadRecordOptions badRecords;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "Use the first N records only, at least 1 (default: all).")
  private @Nullable Integer limit;

  @Option(
      names = "--samples",
      defaultValue = "8",
      paramLabel = "N",
      description = "Completions sampled per record, at least 1 (default: ${DEFAULT-VALUE}).")
  private int samples;

  @Option(
      names = "--max_length",
      defaultValue = "128",
      paramLabel = "N",
      description = "Maximum number of tokens of a completion (default: ${DEFAULT-VALUE}).")
  private int maxLength;

  @Option(
      names = "--temperature",
      defaultValue = "1",
      paramLabel = "X",
      description =
          "Sampling temperature, at least 0; 0: greedy decoding (default: ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--top_p",
      defaultValue = "1",
      paramLabel = "P",
      description =
          "Nucleus sampling: keep the smallest set of tokens whose total probability reaches P,"
              + " above 0 and at most 1 (default: ${DEFAULT-VALUE}).")
  private double topP;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "S",
      description = "Seed of sampling (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Mixin private RewardOptions rewards;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "FILE",
      description = "JSONL file to write: a line per record.")
  private Path output;

  @Option(
      names = "--resume",
      description = "Continue with the records that the --output does not contain yet.")
  private boolean resume;

  @Option(
      names = "--records_per_task",
      paramLabel = "N",
      description =
          "Records of a task, at least 1; affects speed only, not results (default: as many as make"
              + " 256 completions).")
  private @Nullable Integer recordsPerTask;

  @Option(
      names = "--kernel",
      defaultValue = "auto",
      paramLabel = "K",
      description =
          "Kernels of the executors; bitnet doctor lists those that run here (default:"
              + " ${DEFAULT-VALUE}).")
  private String kernel;

  @Mixin private DeviceOptions place;

  @Mixin private ClusterOptions cluster;

  @SuppressWarnings("unused") // for its option
  @Mixin
  private ConfigFile.Mixin configFile;

  private SparkRolloutsCommand() {}

  @Override
  public Integer call() throws IOException {
    Master _ = cluster.master(); // a wrong one is told before anything is read
    ClusterOptions.requireSpark();
    SettingChecks.atLeast("samples", samples, 1);
    SettingChecks.atLeast("max_length", maxLength, 1);
    if (recordsPerTask != null) {
      SettingChecks.atLeast("records_per_task", recordsPerTask, 1);
    }
    ComputeSettings compute = place.settings();
    if (!List.of("auto", "cpu").contains(compute.device())) {
      throw new IllegalArgumentException(
          "--device %s cannot be used: rollouts compute with packed weights on the processor; leave it out"
              .formatted(compute.device()));
    }
    SamplingSettings sampling = new SamplingSettings(temperature, 0, topP, 0, 1, seed);
    List<QaRecord> records = records();
    RuntimeSettings exact = RuntimeSettings.exact();
    RuntimeSettings runtime =
        new RuntimeSettings(compute.threads(), kernel, exact.head(), exact.cache());
    RewardSpec named = rewards.spec();
    try (ModelSource source = ModelSource.open(model.location());
        Tokenizer tokenizer = source.tokenizer();
        WeightedReward scorer = named.open(new ComputeSettings("cpu", compute.threads()));
        RolloutSampler sampler =
            new RolloutSampler(
                new PolicyWeights(source.ternary(), source.adapter()),
                tokenizer,
                source.endTokens(),
                runtime);
        SamplesFile<RolloutSample> file = SamplesFile.open(output, RolloutSample.class, resume)) {
      RolloutSetup setup =
          RolloutSetup.of(
              model.path(), sampler, new RewardStage(scorer, tokenizer), named, runtime);
      RolloutRequest all =
          RolloutRequest.of(
              records,
              samples,
              maxLength,
              sampling,
              RolloutSampler.Draw.of(0, RolloutSampler.Purpose.FIRST));
      requireFitting(all, sampler);
      return draw(all, sampler, setup, file);
    }
  }

  private List<QaRecord> records() throws IOException {
    Path path = benchmark.path(dataset, "test");
    Benchmark set = benchmark.benchmark();
    QaDataset data =
        set == null
            ? QaDataset.load(path, badRecords.policy())
            : set.load(path, badRecords.policy());
    out().println(benchmark.label(dataset, "test") + ": " + data.summary());
    if (limit == null) {
      return data.records();
    }
    SettingChecks.atLeast("limit", limit, 1);
    return data.records().subList(0, Math.min(limit, data.records().size()));
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }

  private static void requireFitting(RolloutRequest all, RolloutSampler sampler) {
    for (int i = 0; i < all.prompts().size(); i++) {
      if (!sampler.fits(all.prompts().get(i).text())) {
        throw new IllegalArgumentException(
            "the prompt of record %d has %d tokens and leaves no room in the model's context of %d; leave the record out"
                .formatted(
                    i,
                    sampler.encode(all.prompts().get(i).text()).length,
                    sampler.policy().weights().config().contextLength()));
      }
    }
  }

  /// Everything that determines the completions and their scores.
  private OptionValues options(RolloutRequest all, RolloutSampler sampler, RolloutSetup setup)
      throws IOException {
    return new OptionValues()
        .put("samples", samples)
        .put("max_length", maxLength)
        .put("temperature", temperature)
        .put("top_p", topP)
        .put("seed", seed)
        .put("reward_model", rewards.spec().rewards())
        .put("reward_weights", rewards.spec().weights())
        .putContent("reward_models", String.join(" ", setup.rewardDigests()))
        .putContent(
            "dataset", ContentDigest.of(all.prompts().toString().getBytes(StandardCharsets.UTF_8)))
        .putContent("model", PolicyImage.digest(sampler.policy()));
  }

  private Integer draw(
      RolloutRequest all,
      RolloutSampler sampler,
      RolloutSetup setup,
      SamplesFile<RolloutSample> file)
      throws IOException {
    OptionValues options = options(all, sampler, setup);
    List<RolloutSample> done = new ArrayList<>(file.of(RolloutSample.MODEL, options));
    int size = all.prompts().size();
    int step =
        recordsPerTask == null ? Math.max(1, COMPLETIONS_PER_TASK / samples) : recordsPerTask;
    List<RolloutRequest> parts = new ArrayList<>();
    for (int from = done.size(); from < size; from += step) {
      parts.add(all.part(from, Math.min(size, from + step)));
    }
    PrintWriter err = spec.commandLine().getErr();
    try (EvaluationOutput progress = new EvaluationOutput(out(), false);
        LateCluster late =
            new LateCluster(cluster, "rollouts", line -> err.println("bitnet: " + line))) {
      progress.evaluated(RolloutSample.MODEL, done.size(), size);
      if (!parts.isEmpty()) {
        SparkRollouts source = new SparkRollouts(late, sampler, setup, OptionalInt.empty());
        source.draw(
            parts,
            drawn -> {
              List<RolloutSample> more = new ArrayList<>();
              for (List<Rollout> rollouts : drawn.rollouts()) {
                int index = done.size() + more.size();
                RolloutRequest.Prompt prompt = all.prompts().get(index);
                more.add(RolloutSample.of(SamplesFile.run(options), index, prompt, rollouts));
              }
              file.add(more);
              done.addAll(more);
              progress.evaluated(RolloutSample.MODEL, done.size(), size);
            });
      }
    }
    out().println(RolloutSample.summary(done));
    return ExitCode.OK;
  }
}
