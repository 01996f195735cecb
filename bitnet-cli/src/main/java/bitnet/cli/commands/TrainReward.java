package bitnet.cli.commands;

import bitnet.checkpoint.ModelDirectory;
import bitnet.cli.option.ComputeOptions;
import bitnet.cli.output.ExitCode;
import bitnet.data.BadRecordPolicy;
import bitnet.data.PreferenceDataset;
import bitnet.device.ProcessorFeatures;
import bitnet.model.ComputeSettings;
import bitnet.reward.LinearRewardModel;
import bitnet.reward.RewardHead;
import bitnet.reward.RewardModel;
import bitnet.reward.RewardTraining;
import bitnet.reward.TransformerRewardModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet train-reward`: a reward model from judged answers.
@Command(
    name = "train-reward",
    description = "Train a reward model on preference pairs or on labels.",
    sortOptions = false)
public final class TrainReward implements Callable<Integer> {
  private static final String MODEL_PATH = "--model_path";
  private static final String REWARD_HEAD = "--reward_head";
  private static final String BATCH_SIZE = "--batch_size";
  private static final List<String> TRANSFORMER_OPTIONS =
      List.of(MODEL_PATH, REWARD_HEAD, BATCH_SIZE, "--device", "--threads", "--dtype");

  @Spec private CommandSpec spec;

  @Option(
      names = "--dataset",
      required = true,
      paramLabel = "FILE",
      description =
          "JSONL or a JSON array of preference pairs {\"query\", \"chosen\", "
              + "\"rejected\"} or labels {\"query\", \"answer\", \"label\"} with a label from "
              + "0 to 1.")
  private Path dataset;

  @Option(
      names = "--on_bad_record",
      defaultValue = "stop",
      paramLabel = "P",
      description =
          "What to do with a malformed record: stop before any work starts, or skip and "
              + "count it (default: ${DEFAULT-VALUE}).")
  private String badRecords;

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
          "Reward model: linear (logistic regression on words) or transformer (a ternary "
              + "LLaMA with a reward head) (default: ${DEFAULT-VALUE}).")
  private String model;

  @Option(
      names = MODEL_PATH,
      paramLabel = "DIR",
      description = "Base model for --model_type transformer.")
  private @Nullable Path modelPath;

  @Option(
      names = REWARD_HEAD,
      defaultValue = "scalar",
      paramLabel = "H",
      description =
          "For --model_type transformer: scalar (one score per completion) or per_token "
              + "(one score per token) (default: ${DEFAULT-VALUE}).")
  private String head;

  @Option(
      names = BATCH_SIZE,
      defaultValue = "8",
      paramLabel = "N",
      description = "For --model_type transformer: records per step (default: ${DEFAULT-VALUE}).")
  private int batchSize;

  @Option(
      names = "--output_dir",
      required = true,
      paramLabel = "DIR",
      description = "Output directory of the reward model, for use with --reward_model.")
  private Path outputDir;

  @Option(names = "--force", description = "Replace an existing model at the output path.")
  private boolean force;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "Passes over the dataset (default: 20; transformer: 3).")
  private @Nullable Integer epochs;

  @Option(
      names = "--lr",
      paramLabel = "X",
      description = "Learning rate (default: 0.1; transformer: 1e-3).")
  private @Nullable Double learningRate;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "S",
      description =
          "Seed of the held-out split and of the record order (default: " + "${DEFAULT-VALUE}).")
  private long seed;

  @Mixin private ComputeOptions compute;

  private TrainReward() {}

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    boolean linear = checkModel();
    RewardTraining settings =
        new RewardTraining(
            epochs == null ? (linear ? 20 : 3) : epochs,
            learningRate == null ? (linear ? 0.1 : 1e-3) : learningRate,
            seed);
    PreferenceDataset data = PreferenceDataset.load(dataset, BadRecordPolicy.of(badRecords));
    PreferenceDataset.Split split = data.split(evalFraction, seed);
    out.printf("data: %s, %d of them held out%n", data.summary(), split.heldOut().size());
    try (RewardModel trained =
        linear ? trainLinear(split, settings, out) : trainTransformer(split, settings, out)) {
      out.printf("accuracy: training %.1f%%", 100 * trained.accuracy(split.training()));
      if (!split.heldOut().isEmpty()) {
        out.printf(", held out %.1f%%", 100 * trained.accuracy(split.heldOut()));
      }
      out.println();
      trained.save(
          outputDir, force ? ModelDirectory.Existing.REPLACE : ModelDirectory.Existing.REFUSE);
    }
    out.println("wrote " + outputDir);
    return ExitCode.OK;
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
    for (String option : linear ? TRANSFORMER_OPTIONS : List.<String>of()) {
      if (spec.commandLine().getParseResult().hasMatchedOption(option)) {
        throw new IllegalArgumentException(
            option + " has no effect on the linear model; add --model_type transformer");
      }
    }
    if (Files.exists(outputDir) && !force) { // said before the training, not after it
      throw new IllegalArgumentException(
          "%s is there already; use another --output_dir, or --force to replace a reward model"
              .formatted(outputDir));
    }
    return linear;
  }

  private static RewardModel trainLinear(
      PreferenceDataset.Split split, RewardTraining settings, PrintWriter out) {
    return LinearRewardModel.train(
        split.training(), settings, epoch -> report(epoch, settings, out));
  }

  private RewardModel trainTransformer(
      PreferenceDataset.Split split, RewardTraining settings, PrintWriter out) throws IOException {
    TransformerRewardModel transformer =
        TransformerRewardModel.create(
            Objects.requireNonNull(modelPath),
            RewardHead.of(head),
            new ComputeSettings(compute.device(), compute.threads()),
            compute.type(ProcessorFeatures.current()));
    try {
      transformer.train(
          split.training(), settings, batchSize, epoch -> report(epoch, settings, out));
      return transformer;
    } catch (RuntimeException failure) {
      transformer.close();
      throw failure;
    }
  }

  private static void report(RewardTraining.Epoch epoch, RewardTraining settings, PrintWriter out) {
    int every = Math.max(1, settings.epochs() / 10);
    if (epoch.number() % every == 0 || epoch.number() == settings.epochs()) {
      out.printf("epoch %d/%d  loss %.4f%n", epoch.number(), settings.epochs(), epoch.loss());
      out.flush();
    }
  }
}
