package bitnet.grpo;

import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.AdapterDirectory;
import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelSource;
import bitnet.data.BadRecordPolicy;
import bitnet.data.Benchmark;
import bitnet.data.QaDataset;
import bitnet.data.QaRecord;
import bitnet.graph.ComputeType;
import bitnet.graph.DeviceSelector;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.SelectedDevice;
import bitnet.graph.TorchOps;
import bitnet.model.ComputeSettings;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.reward.RewardSpec;
import bitnet.reward.WeightedReward;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.AdapterBase;
import bitnet.training.MemoryPlan;
import bitnet.training.RunDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// GRPO from files to files: a model and questions in, a run directory out, which holds
/// `checkpoints/` and, at the end, `model/`, or `adapter/` where only an adapter is trained.
///
/// @param modelPath the model to start from
/// @param questions to learn from and to evaluate on
/// @param rewards that completions are scored by
/// @param directory of the run
/// @param resume a checkpoint, `auto` for the run directory's newest one, or null to start
/// @param compute where the run computes, and how precisely
/// @param settings how to train
/// @param lora the adapter that is trained in place of the weights; empty to train the weights
public record GrpoRun(
    Path modelPath,
    Questions questions,
    RewardSpec rewards,
    RunDirectory directory,
    @Nullable String resume,
    Compute compute,
    GrpoSettings settings,
    Optional<LoraSettings> lora) {

  /// A run that trains the weights.
  public GrpoRun(
      Path modelPath,
      Questions questions,
      RewardSpec rewards,
      RunDirectory directory,
      @Nullable String resume,
      Compute compute,
      GrpoSettings settings) {
    this(modelPath, questions, rewards, directory, resume, compute, settings, Optional.empty());
  }

  /// The questions of a run.
  ///
  /// @param dataset the file to learn from
  /// @param benchmark the published set that the files are, or null for this toolkit's own layout
  /// @param badRecords what to do with bad records
  /// @param evalDataset the file to evaluate on, or null
  public record Questions(
      Path dataset,
      @Nullable Benchmark benchmark,
      BadRecordPolicy badRecords,
      @Nullable Path evalDataset) {

    /// Questions in this toolkit's own layout, without an evaluation.
    public static Questions of(Path dataset) {
      return new Questions(dataset, null, BadRecordPolicy.STOP, null);
    }

    private List<QaRecord> load(Path file, String title, Consumer<String> say) throws IOException {
      QaDataset data =
          benchmark == null ? QaDataset.load(file, badRecords) : benchmark.load(file, badRecords);
      say.accept(title + data.summary());
      return data.records();
    }
  }

  /// Where a run computes, and how precisely.
  ///
  /// @param device of the graph
  /// @param type of the graph's matrix products
  /// @param runtime of the packed policies; its threads are the graph's too
  public record Compute(SelectedDevice device, ComputeType type, RuntimeSettings runtime) {

    /// The processor with that many threads: fp32 in the graph, and packed policies whose
    /// log-probabilities are those of the graph.
    public static Compute onProcessor(int threads) {
      return new Compute(
          new DeviceSelector().select("cpu"),
          ComputeType.FP32,
          RuntimeSettings.exact().withThreads(threads));
    }
  }

  /// Trains and writes the model.
  ///
  /// @param say receives lines for the user: plan, data, what was written
  /// @return whether all steps are done; otherwise the run can be resumed
  /// @throws IllegalArgumentException if the run cannot start as asked, saying what to change
  /// @throws bitnet.training.TrainingException if it diverges
  public boolean run(GrpoListener listener, Consumer<String> say) throws IOException {
    return run(listener, say, LocalRollouts::new);
  }

  /// The same, with the completions drawn and scored elsewhere; what is written does not depend on
  /// where.
  ///
  /// @param sources where
  /// @throws IOException also if that fails there
  public boolean run(GrpoListener listener, Consumer<String> say, RolloutSource.Factory sources)
      throws IOException {
    Optional<Path> checkpoint = directory.checkpoint(resume);
    try (ModelSource source = ModelSource.open(modelPath)) {
      if (lora.isPresent()) {
        AdapterBase.require(source, lora.get(), compute.device());
      }
      announce(source.weights().config(), say);
      List<QaRecord> training = questions.load(questions.dataset(), "data: ", say);
      List<QaRecord> heldOut =
          questions.evalDataset() == null
              ? List.of()
              : questions.load(questions.evalDataset(), "held out: ", say);
      RuntimeSettings runtime = compute.runtime();
      TorchOps.prepareThread(runtime.threads());
      try (Tokenizer tokenizer = source.tokenizer();
          WeightedReward scorer = rewards.open(new ComputeSettings("cpu", runtime.threads()));
          NDManager manager = NDManager.newBaseManager(compute.device().device(), "PyTorch");
          LlamaModel model = model(source, manager);
          GrpoTrainer trainer =
              new GrpoTrainer(
                  new GrpoTrainer.Inputs(
                      model,
                      tokenizer,
                      source.endTokens(),
                      scorer,
                      training,
                      heldOut,
                      best -> write(directory.best(), best, tokenizer)),
                  settings,
                  runtime,
                  directory.checkpoints(),
                  sources)) {
        say.accept("rollouts: " + trainer.description());
        if (checkpoint.isPresent()) {
          trainer.resume(checkpoint.get());
          say.accept("resumed: " + checkpoint.get());
        }
        boolean done = trainer.run(listener);
        if (done) {
          finish(trainer, model, tokenizer, say);
        }
        return done;
      }
    }
  }

  private LlamaModel model(ModelSource source, NDManager manager) throws IOException {
    return lora.isEmpty()
        ? LlamaModel.load(source.weights(), manager, compute.type())
        : AdapterBase.load(
            source,
            lora.get(),
            settings.sampling().seed(),
            compute.runtime().threads(),
            manager,
            compute.type());
  }

  /// Writes the model or the adapter of the last step, or that of the best evaluation.
  private void finish(
      GrpoTrainer trainer, LlamaModel model, Tokenizer tokenizer, Consumer<String> say)
      throws IOException {
    OptionalLong step = trainer.bestStep();
    Path target = lora.isEmpty() ? directory.model() : directory.adapter();
    if (step.isEmpty()) {
      write(target, model, tokenizer);
      say.accept("wrote " + target);
      return;
    }
    if (model.base().isPresent()) {
      try (AdapterDirectory kept = AdapterDirectory.open(directory.best(), model.base().get())) {
        AdapterDirectory.write(target, kept, model.config(), modelPath.toString());
      }
    } else {
      try (ModelSource kept = ModelSource.open(directory.best())) {
        writeModel(target, kept.weights(), tokenizer);
      }
    }
    say.accept(
        "wrote %s: the %s after step %d, which was the best by %s"
            .formatted(
                target,
                lora.isEmpty() ? "model" : "adapter",
                step.getAsLong(),
                settings.evaluation().keepBest().key()));
  }

  private void write(Path path, LlamaModel model, Tokenizer tokenizer) throws IOException {
    if (model.adapter().isPresent()) {
      AdapterDirectory.write(path, model.adapter().get(), model.config(), modelPath.toString());
    } else {
      writeModel(path, model, tokenizer);
    }
  }

  private static void writeModel(Path path, LatentWeights weights, Tokenizer tokenizer)
      throws IOException {
    ModelDirectory.write(path, weights, tokenizer, true, ModelDirectory.Existing.REPLACE);
  }

  private void announce(LlamaConfig config, Consumer<String> say) {
    say.accept(
        "model: %s, %,d parameters; %s, %s, %d threads"
            .formatted(
                modelPath,
                config.parameterCount(),
                compute.device().reason(),
                compute.type(),
                compute.runtime().threads()));
    int seq = Math.min(settings.update().passTokens(), config.contextLength());
    MemoryPlan plan =
        MemoryPlan.forTraining(
            config,
            Math.ceilDiv(settings.update().passTokens(), seq),
            seq,
            settings.update().keep() == ForwardPass.Keep.LAYER_INPUTS,
            compute.type() == ComputeType.BF16);
    lora.ifPresent(each -> say.accept("adapter: " + AdapterBase.describe(each, config)));
    plan.withLora(lora).announce(compute.device(), say);
  }
}
