package bitnet.cli.commands;

import bitnet.checkpoint.ModelDirectory;
import bitnet.cli.option.BadRecordOptions;
import bitnet.cli.option.ComputeOptions;
import bitnet.cli.option.DataText;
import bitnet.cli.option.HubModel;
import bitnet.cli.option.ModelOptions;
import bitnet.cli.option.OptimizerOptions;
import bitnet.cli.option.RunOptions;
import bitnet.cli.output.ExitCode;
import bitnet.cli.output.TrainingOutput;
import bitnet.data.PreferenceDataset;
import bitnet.data.RecordSampler;
import bitnet.device.ProcessorFeatures;
import bitnet.graph.TorchOps.AdamWSettings;
import bitnet.metrics.LogColumns;
import bitnet.metrics.MetricsLog;
import bitnet.metrics.StepReport;
import bitnet.model.ComputeSettings;
import bitnet.reward.LinearRewardModel;
import bitnet.reward.RewardHead;
import bitnet.reward.RewardModel;
import bitnet.reward.RewardModelRun;
import bitnet.reward.RewardTraining;
import bitnet.reward.TransformerRewardModel;
import bitnet.setting.SettingChecks;
import bitnet.storage.WriteLock;
import bitnet.training.CheckpointSettings;
import bitnet.training.LearningRateDecay;
import bitnet.training.LearningRateSchedule;
import bitnet.training.LoopSettings;
import bitnet.training.OptimizerSettings;
import bitnet.training.SpikeGuard;
import bitnet.training.TrainingSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet train-reward`: a reward model from preferences.
@Command(
    name = "train-reward",
    description = "Train a reward model on preference pairs or on labels.",
    sortOptions = false)
public final class TrainReward implements Callable<Integer> {
  /// Options that the linear model reads too; the others are the transformer's.
  private static final Set<String> SHARED_OPTIONS =
      Set.of(
          "--dataset",
          "--on_bad_record",
          "--eval_fraction",
          "--model_type",
          "--output_dir",
          "--force",
          "--epochs",
          "--seed",
          "--lr",
          "--stacktrace");

  private static final double LINEAR_RATE = 0.1;
  private static final OptimizerSettings OPTIMIZER =
      new OptimizerSettings(
          new LearningRateSchedule(LearningRateDecay.of("linear"), 1e-3, 0, 0, 1),
          AdamWSettings.BITNET,
          1);

  @Spec private CommandSpec spec;

  @Option(
      names = "--dataset",
      required = true,
      paramLabel = "FILE",
      description =
          "JSONL or a JSON array of preference pairs {\"query\", \"chosen\", "
              + "\"rejected\"} or labels {\"query\", \"answer\", \"label\"} with a label from "
              + "0 to 1. "
              + DataText.FORMS)
  private Path dataset;

  @Mixin private BadRecordOptions badRecords;

  @Option(
      names = "--eval_fraction",
      defaultValue = "0.1",
      paramLabel = "X",
      description =
          "Fraction of the questions held out to measure accuracy, from 0 to below 1 "
              + "(default: ${DEFAULT-VALUE}).")
  private double evalFraction;

  @Option(
      names = "--model_type",
      defaultValue = "linear",
      paramLabel = "M",
      description =
          "Reward model: linear (logistic regression on words, with --lr 0.1 by default) or"
              + " transformer (a ternary LLaMA with a reward head) (default: ${DEFAULT-VALUE}).")
  private String model;

  @Option(
      names = "--model_path",
      paramLabel = "PATH",
      description = "Base model, for --model_type transformer: " + ModelOptions.KINDS)
  private @Nullable Path modelPath;

  @Option(
      names = "--reward_head",
      defaultValue = "scalar",
      paramLabel = "H",
      description =
          "For --model_type transformer: scalar (one score per completion) or per_token "
              + "(one score per token) (default: ${DEFAULT-VALUE}).")
  private String head;

  @Option(
      names = "--batch_size",
      defaultValue = "8",
      paramLabel = "N",
      description = "For --model_type transformer: records per step (default: ${DEFAULT-VALUE}).")
  private int batchSize;

  @Option(names = "--force", description = "Replace an existing model at the output path.")
  private boolean force;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "Passes over the dataset (default: 20; transformer: 3).")
  private @Nullable Integer epochs;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "S",
      description =
          "Seed of the held-out split and of the record order (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--warmup",
      defaultValue = "0",
      paramLabel = "N",
      description = "Linear warm-up steps of the learning rate (default: ${DEFAULT-VALUE}).")
  private long warmup;

  @Option(
      names = "--eval_interval",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Evaluate the loss on the held-out questions every N steps; 0: only at the end (default:"
              + " ${DEFAULT-VALUE}).")
  private long evalInterval;

  @Mixin private OptimizerOptions optimizer = new OptimizerOptions(OPTIMIZER);

  @Mixin private RunOptions kept = new RunOptions(new CheckpointSettings(100, 2), 10);

  @Mixin private ComputeOptions compute;

  private TrainReward() {}

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    boolean linear = checkModel();
    PreferenceDataset data = PreferenceDataset.load(dataset, badRecords.policy());
    PreferenceDataset.Split split = data.split(evalFraction, seed);
    out.printf("data: %s, %d of them held out%n", data.summary(), split.heldOut().size());
    return linear ? trainLinear(split, out) : trainTransformer(split, out);
  }

  private static void report(RewardModel trained, PreferenceDataset.Split split, PrintWriter out) {
    out.printf("accuracy: training %.1f%%", 100 * trained.accuracy(split.training()));
    if (!split.heldOut().isEmpty()) {
      out.printf(", held out %.1f%%", 100 * trained.accuracy(split.heldOut()));
    }
    out.println();
  }

  /// Whether the model is the linear one; refuses options that the chosen one has no use for.
  private boolean checkModel() {
    boolean linear = model.equals("linear");
    if (!linear && !model.equals("transformer")) {
      throw new IllegalArgumentException(
          "model \"%s\" is unknown; use linear or transformer".formatted(model));
    }
    if (!linear && modelPath == null) {
      throw new IllegalArgumentException(
          "--model_type transformer needs --model_path, the base model");
    }
    if (linear) {
      for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
        if (!SHARED_OPTIONS.contains(option.longestName())) {
          throw new IllegalArgumentException(
              option.longestName()
                  + " has no effect on the linear model; add --model_type transformer");
        }
      }
    }
    Path target = kept.directory().path();
    boolean run = !linear && Files.isDirectory(kept.directory().checkpoints()); // may be resumed
    if (Files.exists(target) && !force && !run) { // said before the training, not after it
      throw new IllegalArgumentException(
          "%s already exists; use another --output_dir, or --force to replace a reward model"
              .formatted(target));
    }
    return linear;
  }

  private int trainLinear(PreferenceDataset.Split split, PrintWriter out) throws IOException {
    boolean given = spec.commandLine().getParseResult().hasMatchedOption("--lr");
    RewardTraining settings =
        new RewardTraining(
            epochs == null ? 20 : epochs,
            given ? optimizer.settings(0, 1).schedule().peak() : LINEAR_RATE,
            seed);
    try (RewardModel trained =
        LinearRewardModel.train(
            split.training(), settings, epoch -> report(epoch, settings, out))) {
      report(trained, split, out);
      trained.save(
          kept.directory().path(),
          force ? ModelDirectory.Existing.REPLACE : ModelDirectory.Existing.REFUSE);
    }
    out.println("wrote " + kept.directory().path());
    return ExitCode.OK;
  }

  private int trainTransformer(PreferenceDataset.Split split, PrintWriter out) throws IOException {
    int passes = epochs == null ? 3 : epochs;
    SettingChecks.atLeast("epochs", passes, 1);
    long steps = new RecordSampler<>(split.training(), batchSize).batches(passes);
    RewardModelRun run =
        new RewardModelRun(
            split.training(),
            split.heldOut(),
            batchSize,
            new LoopSettings(
                optimizer.settings(warmup, steps),
                1,
                0,
                optimizer.keep(),
                SpikeGuard.DEFAULT,
                new TrainingSettings.Evaluation(evalInterval, 0),
                kept.checkpoints(),
                seed),
            kept.directory().checkpoints());
    try (WriteLock _ = kept.directory().lock();
        TransformerRewardModel model =
            TransformerRewardModel.create(
                HubModel.local(Objects.requireNonNull(modelPath)),
                RewardHead.of(head),
                new ComputeSettings(compute.device(), compute.threads()),
                compute.type(ProcessorFeatures.current()))) {
      return train(run, model, steps, split, out);
    }
  }

  private int train(
      RewardModelRun run,
      TransformerRewardModel model,
      long steps,
      PreferenceDataset.Split split,
      PrintWriter out)
      throws IOException {
    Optional<Path> checkpoint = kept.directory().checkpoint(kept.resume());
    try (MetricsLog log = kept.log(LogColumns.of(StepReport.METRICS));
        TrainingOutput output = kept.output(out, log, steps)) {
      if (!run.train(model, checkpoint, output)) {
        return ExitCode.INTERRUPTED;
      }
    }
    report(model, split, out);
    // a model that is there is of this run, or was given up by --force
    model.save(kept.directory().path(), ModelDirectory.Existing.REPLACE);
    out.println("wrote " + kept.directory().path());
    return ExitCode.OK;
  }

  private static void report(RewardTraining.Epoch epoch, RewardTraining settings, PrintWriter out) {
    int every = Math.max(1, settings.epochs() / 10);
    if (epoch.number() % every == 0 || epoch.number() == settings.epochs()) {
      out.printf("epoch %d/%d  loss %.4f%n", epoch.number(), settings.epochs(), epoch.loss());
      out.flush();
    }
  }
}
