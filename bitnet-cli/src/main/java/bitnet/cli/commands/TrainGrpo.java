package bitnet.cli.commands;

import bitnet.cli.option.BadRecordOptions;
import bitnet.cli.option.BenchmarkOptions;
import bitnet.cli.option.ComputeOptions;
import bitnet.cli.option.ConfigFile;
import bitnet.cli.option.CorrectionOptions;
import bitnet.cli.option.DataText;
import bitnet.cli.option.GrpoEvaluationOptions;
import bitnet.cli.option.LoraOptions;
import bitnet.cli.option.LossOptions;
import bitnet.cli.option.ModelOptions;
import bitnet.cli.option.OptimizerOptions;
import bitnet.cli.option.RewardOptions;
import bitnet.cli.option.RolloutOptions;
import bitnet.cli.option.RunOptions;
import bitnet.cli.option.UpdateOptions;
import bitnet.cli.output.ExitCode;
import bitnet.cli.output.GrpoOutput;
import bitnet.cli.output.TrainingOutput;
import bitnet.device.ProcessorFeatures;
import bitnet.graph.DeviceSelector;
import bitnet.grpo.CompletionsLog;
import bitnet.grpo.GrpoListener;
import bitnet.grpo.GrpoRun;
import bitnet.grpo.GrpoSettings;
import bitnet.grpo.GrpoTrainer;
import bitnet.kernel.CacheType;
import bitnet.metrics.LogColumns;
import bitnet.metrics.MetricsLog;
import bitnet.runtime.LmHeadType;
import bitnet.runtime.RuntimeSettings;
import bitnet.storage.WriteLock;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet train-grpo`: improves a model on questions with checkable answers, with
/// completions drawn in this process; a subclass may draw them elsewhere.
@Command(
    name = "train-grpo",
    description =
        "Train a model on questions with verifiable answers by Group Relative Policy "
            + "Optimization (GRPO), with one layer or two.",
    sortOptions = false)
public class TrainGrpo implements Callable<Integer> {
  private static final long LOG_INTERVAL = 1;

  @Spec private CommandSpec spec;

  @Option(
      names = "--dataset",
      paramLabel = "FILE",
      description =
          "Questions: JSONL, a JSON array or Parquet of {\"query\", \"answer\"}. " + DataText.FORMS)
  private @Nullable Path dataset;

  @Mixin private BenchmarkOptions benchmark;

  @Mixin private BadRecordOptions badRecords;

  @Option(
      names = "--eval_dataset",
      paramLabel = "FILE",
      description =
          "Held-out questions, answered with greedy decoding and, with --eval_samples, sampled. "
              + DataText.FORMS)
  private @Nullable Path evalDataset;

  @Mixin private ModelOptions modelOptions;

  @Option(
      names = "--steps",
      required = true,
      paramLabel = "N",
      description = "Number of steps, at least 1.")
  private long steps;

  @Mixin private RewardOptions rewards;

  @Option(
      names = "--warmup",
      defaultValue = "0",
      paramLabel = "N",
      description = "Linear warm-up steps of the learning rate (default: ${DEFAULT-VALUE}).")
  private long warmup;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "S",
      description = "Seed of the question order and of sampling (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--sample_interval",
      defaultValue = "10",
      paramLabel = "N",
      description =
          "Print some completions every N steps and append them to answers.jsonl in the "
              + "run; 0: never (default: ${DEFAULT-VALUE}).")
  private long sampleInterval;

  @Option(
      names = "--completions_log",
      paramLabel = "FILE",
      description = "Write every completion with its reward to this JSONL file.")
  private @Nullable Path completionsLog;

  @Option(
      names = "--kernel",
      defaultValue = "auto",
      paramLabel = "K",
      description =
          "Kernels of the rollouts; bitnet doctor lists those that run here (default: "
              + "${DEFAULT-VALUE}).")
  private String kernel;

  @Mixin private RolloutOptions rollouts;

  @Mixin private UpdateOptions update;

  @Mixin private LossOptions loss;

  @Mixin private GrpoEvaluationOptions evaluation;

  @Mixin private CorrectionOptions correction;

  @Mixin
  private OptimizerOptions optimizer = new OptimizerOptions(GrpoSettings.defaults(1).optimizer());

  @Mixin private LoraOptions lora;

  @Mixin
  private RunOptions kept = new RunOptions(GrpoSettings.defaults(1).checkpoints(), LOG_INTERVAL);

  @Mixin private ComputeOptions compute;

  @SuppressWarnings("unused") // for its option
  @Mixin
  private ConfigFile.Mixin configFile;

  protected TrainGrpo() {}

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    GrpoRun run = run();
    if (completionsLog != null && run.directory().isAnswers(completionsLog)) {
      throw new IllegalArgumentException(
          "--completions_log %s is where the run keeps its printed answers; choose another file"
              .formatted(completionsLog));
    }
    try (WriteLock _ = run.directory().lock()) {
      return train(run, out);
    }
  }

  private Integer train(GrpoRun run, PrintWriter out) throws IOException {
    // refuses a second run before the log of the first is touched
    long done = kept.doneSteps();
    LogColumns columns = GrpoTrainer.columns(run.rewards().rewards(), run.settings());
    Path answers = run.directory().answers();
    try (MetricsLog log = kept.log(columns);
        CompletionsLog completions =
            completionsLog == null ? null : CompletionsLog.open(completionsLog, done);
        CompletionsLog shown = CompletionsLog.open(answers, done);
        TrainingOutput output = kept.output(out, log, steps)) {
      GrpoOutput listener = new GrpoOutput(output, completions, shown, sampleInterval);
      return run(run, listener, output::line) ? ExitCode.OK : ExitCode.INTERRUPTED;
    }
  }

  /// Trains.
  ///
  /// @param say receives lines for the user
  /// @return whether all steps are done
  protected boolean run(GrpoRun run, GrpoListener listener, Consumer<String> say)
      throws IOException {
    return run.run(listener, say);
  }

  private GrpoRun run() throws IOException {
    return new GrpoRun(
        modelOptions.path(),
        new GrpoRun.Questions(
            benchmark.path(dataset, "train"),
            benchmark.benchmark(),
            badRecords.policy(),
            evalDataset),
        rewards.spec(),
        kept.directory(),
        kept.resume(),
        new GrpoRun.Compute(
            new DeviceSelector().select(compute.device()),
            compute.type(ProcessorFeatures.current()),
            // what the sampler says of a token must be what the graph says of it
            new RuntimeSettings(compute.threads(), kernel, LmHeadType.FP32, CacheType.FP32)),
        settings(),
        lora.settings());
  }

  private GrpoSettings settings() throws IOException {
    return new GrpoSettings(
        rollouts.rollout(seed),
        update.advantages(),
        loss.loss(rollouts.maxLength()),
        update.update(optimizer.keep(), rollouts.batchSize(), kept.resumedOptions()),
        optimizer.settings(warmup, steps),
        correction.settings(
            spec.commandLine().getParseResult(), rollouts.maxLength(), kept.resumedOptions()),
        evaluation.evaluation(evalDataset != null),
        kept.checkpoints());
  }
}
