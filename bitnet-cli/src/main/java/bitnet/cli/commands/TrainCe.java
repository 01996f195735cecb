package bitnet.cli.commands;

import bitnet.cli.option.BadRecordOptions;
import bitnet.cli.option.ComputeOptions;
import bitnet.cli.option.ConfigFile;
import bitnet.cli.option.DataText;
import bitnet.cli.option.LoraOptions;
import bitnet.cli.option.ModelOptions;
import bitnet.cli.option.OptimizerOptions;
import bitnet.cli.option.RunOptions;
import bitnet.cli.output.ExitCode;
import bitnet.cli.output.TrainingOutput;
import bitnet.data.LossMask;
import bitnet.data.Packing;
import bitnet.data.TextFormat;
import bitnet.data.WindowSampling;
import bitnet.device.ProcessorFeatures;
import bitnet.graph.ComputeType;
import bitnet.graph.DeviceSelector;
import bitnet.metrics.LogColumns;
import bitnet.metrics.MetricsLog;
import bitnet.metrics.StepReport;
import bitnet.storage.WriteLock;
import bitnet.training.CrossEntropyRun;
import bitnet.training.SpikeGuard;
import bitnet.training.TrainingSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet train-ce`: trains a model on the next token of a text, in this process; a subclass may
/// do it elsewhere.
@Command(
    name = "train-ce",
    description = "Train a model on text with next-token cross-entropy.",
    sortOptions = false)
public class TrainCe implements Callable<Integer> {
  private static final long LOG_INTERVAL = 10;

  @Spec private CommandSpec spec;

  @Option(
      names = "--dataset",
      required = true,
      paramLabel = "FILE",
      description =
          "Training text: plain (one example per line), JSON or JSONL with a field "
              + "\"text\", with \"query\", \"answer\" and optionally \"reasoning\", or with"
              + " \"messages\", of which the assistant's turns are learned. "
              + DataText.FORMS
              + " Or token shards of bitnet spark tokenize.")
  private Path dataset;

  @Option(
      names = "--text_format",
      paramLabel = "F",
      description =
          "lines, document (the whole file is one text), json or jsonl (default: "
              + "detected from the file).")
  private @Nullable String textFormat;

  @Mixin private BadRecordOptions badRecords;

  @Option(
      names = "--completion_only_loss",
      description = "Compute the loss on completions (answers) only, not on prompts.")
  private boolean completionOnly;

  @Option(
      names = "--eval_dataset",
      paramLabel = "FILE",
      description =
          "Text to evaluate on, instead of a held-out part of the dataset. " + DataText.FORMS)
  private @Nullable Path evalDataset;

  @Option(
      names = "--eval_fraction",
      defaultValue = "0.1",
      paramLabel = "X",
      description =
          "Fraction at the end of the dataset that is held out, from 0 to below 1 "
              + "(default: ${DEFAULT-VALUE}).")
  private double evalFraction;

  @Mixin private ModelOptions modelOptions;

  @Option(
      names = "--iters",
      required = true,
      paramLabel = "N",
      description = "Number of optimizer steps, at least 1.")
  private long iterations;

  @Option(
      names = "--batch_size",
      defaultValue = "8",
      paramLabel = "N",
      description = "Sequences per batch (default: ${DEFAULT-VALUE}).")
  private int batchSize;

  @Option(
      names = "--seq_len",
      defaultValue = "256",
      paramLabel = "N",
      description = "Tokens per sequence (default: ${DEFAULT-VALUE}).")
  private int seqLen;

  @Option(
      names = "--grad_accum",
      defaultValue = "1",
      paramLabel = "N",
      description = "Batches accumulated per optimizer step (default: ${DEFAULT-VALUE}).")
  private int gradAccum;

  @Option(
      names = "--warmup",
      paramLabel = "N",
      description =
          "Linear warm-up steps of the learning rate (default: 5%% of --iters, at most 375).")
  private @Nullable Long warmup;

  @Option(
      names = "--quant_warmup",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Steps over which quantization is phased in, for a model trained in full "
              + "precision (default: ${DEFAULT-VALUE}).")
  private long quantWarmup;

  @Option(
      names = "--packing",
      defaultValue = "stream",
      paramLabel = "P",
      description =
          "stream (windows of --seq_len tokens cut anywhere in the text) or records (windows of"
              + " whole examples by best-fit decreasing; attention and loss stay inside of an"
              + " example, and one longer than --seq_len loses its end), also for the held-out"
              + " loss (default: ${DEFAULT-VALUE}).")
  private String packing;

  @Option(
      names = "--sampling",
      defaultValue = "epoch",
      paramLabel = "S",
      description =
          "epoch (every window once per epoch, shuffled) or random (windows drawn"
              + " independently, with --packing stream at any offset) (default: ${DEFAULT-VALUE}).")
  private String sampling;

  @Option(
      names = "--eval_interval",
      defaultValue = "100",
      paramLabel = "N",
      description = "Evaluate every N steps; 0: only at the end (default: ${DEFAULT-VALUE}).")
  private long evalInterval;

  @Option(
      names = "--eval_tokens",
      defaultValue = "131072",
      paramLabel = "N",
      description =
          "Evaluate on at most N held-out tokens; 0: on all of them (default: "
              + "${DEFAULT-VALUE}).")
  private long evalTokens;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "S",
      description = "Seed of the data order (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Mixin
  private OptimizerOptions optimizer =
      new OptimizerOptions(TrainingSettings.defaults(1).optimizer());

  @Mixin private LoraOptions lora;

  @Mixin
  private RunOptions kept =
      new RunOptions(TrainingSettings.defaults(1).checkpoints(), LOG_INTERVAL);

  @Mixin private ComputeOptions compute;

  @SuppressWarnings("unused") // for its option
  @Mixin
  private ConfigFile.Mixin configFile;

  protected TrainCe() {}

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    CrossEntropyRun run = run();
    try (WriteLock _ = run.directory().lock()) {
      try (MetricsLog log = kept.log(LogColumns.of(StepReport.METRICS));
          TrainingOutput output = kept.output(out, log, iterations)) {
        return run.run(output, output::line) ? ExitCode.OK : ExitCode.INTERRUPTED;
      }
    }
  }

  /// The command's own description, with its output.
  protected final CommandSpec spec() {
    return spec;
  }

  /// Where the run keeps its files, and its log.
  protected final RunOptions kept() {
    return kept;
  }

  /// The run that the options ask for.
  ///
  /// @throws IOException if the hub refuses the model
  protected final CrossEntropyRun run() throws IOException {
    ComputeType type = compute.type(ProcessorFeatures.current());
    return new CrossEntropyRun(
        modelOptions.path(),
        new CrossEntropyRun.Text(
            dataset,
            textFormat == null ? null : TextFormat.of(textFormat),
            badRecords.policy(),
            completionOnly ? LossMask.PROMPTS : LossMask.NONE,
            evalDataset,
            evalFraction),
        kept.directory(),
        kept.resume(),
        new DeviceSelector().select(compute.device()),
        compute.threads(),
        type,
        settings());
  }

  private TrainingSettings settings() {
    return new TrainingSettings(
        new TrainingSettings.Batches(
            batchSize, seqLen, gradAccum, Packing.of(packing), WindowSampling.of(sampling), seed),
        optimizer.settings(
            warmup == null ? TrainingSettings.warmup(iterations) : warmup, iterations),
        quantWarmup,
        optimizer.keep(),
        SpikeGuard.DEFAULT,
        new TrainingSettings.Evaluation(evalInterval, evalTokens),
        kept.checkpoints(),
        lora.settings());
  }
}
