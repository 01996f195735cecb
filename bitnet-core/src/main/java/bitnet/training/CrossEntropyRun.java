package bitnet.training;

import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelSource;
import bitnet.data.BadRecordPolicy;
import bitnet.data.LossMask;
import bitnet.data.Packing;
import bitnet.data.RecordPacking;
import bitnet.data.TextDataset;
import bitnet.data.TextFormat;
import bitnet.data.TokenEncoding;
import bitnet.data.TokenStream;
import bitnet.graph.ComputeType;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.SelectedDevice;
import bitnet.graph.TorchOps;
import bitnet.model.LlamaConfig;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Cross-entropy training from files to files: a model and a text in, a run directory out, which
/// holds `checkpoints/` and, at the end, `model/`.
///
/// @param modelPath the model to start from
/// @param text what to learn from
/// @param directory where the run keeps its files
/// @param resume a checkpoint, `auto` for the run directory's newest one, or null to start
/// @param device where to compute
/// @param threads for libtorch's products
/// @param type of the matrix products
/// @param settings how to train
public record CrossEntropyRun(
    Path modelPath,
    Text text,
    RunDirectory directory,
    @Nullable String resume,
    SelectedDevice device,
    int threads,
    ComputeType type,
    TrainingSettings settings) {

  /// The text of a run.
  ///
  /// @param dataset the file to learn from
  /// @param format of the files; null to detect it
  /// @param badRecords what to do with those
  /// @param mask tokens that are only read
  /// @param evalDataset the file to evaluate on, or null
  /// @param evalFraction share at the end of the dataset to evaluate on if `evalDataset` is null
  public record Text(
      Path dataset,
      @Nullable TextFormat format,
      BadRecordPolicy badRecords,
      LossMask mask,
      @Nullable Path evalDataset,
      double evalFraction) {

    private TextDataset open(Path file, Packing packing, TokenEncoding encoding, Path scratch)
        throws IOException {
      return TextDataset.open(file, format, badRecords, mask, packing, encoding, scratch);
    }
  }

  /// Trains and writes the model.
  ///
  /// @param say receives lines for the user: plan, data, what was written
  /// @return whether all steps are done; otherwise the run can be resumed
  /// @throws IllegalArgumentException if the run cannot start as asked, saying what to change
  /// @throws TrainingException if it diverges
  public boolean run(TrainingListener listener, Consumer<String> say) throws IOException {
    Optional<Path> checkpoint = directory.checkpoint(resume);
    try (ModelSource source = ModelSource.open(modelPath)) {
      LlamaConfig config = source.weights().config();
      checkLengths(config);
      announce(config, say);
      try (Tokenizer tokenizer = source.tokenizer();
          TextDataset dataset = open(text.dataset(), encoding(source, tokenizer));
          TextDataset evaluation =
              text.evalDataset() == null
                  ? null
                  : open(text.evalDataset(), encoding(source, tokenizer))) {
        say.accept("data: " + dataset.report().summary());
        say.accept("lengths: " + dataset.report().lengths().summary(settings.batches().seqLen()));
        if (evaluation != null) {
          say.accept("held out: " + evaluation.report().summary());
        }
        TextDataset.Split split = dataset.split(evaluation == null ? text.evalFraction() : 0);
        TokenStream heldOut = evaluation == null ? split.heldOut() : evaluation.tokens();
        boolean evaluated = evaluation != null || hasWindow(heldOut);
        if (!evaluated && text.evalFraction() > 0) {
          say.accept(
              "held out: %d tokens, too few for a sequence of %d, so there is no held-out loss"
                  .formatted(heldOut.size(), settings.batches().seqLen()));
        }
        announcePacking(split.training(), say);
        return train(
            source,
            tokenizer,
            split.training(),
            evaluated ? heldOut : null,
            checkpoint,
            listener,
            say);
      }
    }
  }

  private TextDataset open(Path file, TokenEncoding encoding) throws IOException {
    return text.open(file, settings.batches().packing(), encoding, directory.path());
  }

  private boolean hasWindow(TokenStream tokens) {
    return switch (settings.batches().packing()) {
      case STREAM -> tokens.size() > settings.batches().seqLen();
      case RECORDS -> RecordPacking.hasWindow(tokens);
    };
  }

  private void announcePacking(TokenStream training, Consumer<String> say) {
    TrainingSettings.Batches batches = settings.batches();
    if (batches.packing() == Packing.RECORDS) {
      RecordPacking packed =
          new RecordPacking("training text", training, batches.batchSize(), batches.seqLen());
      say.accept("packing: " + packed.summary());
    }
  }

  private static TokenEncoding encoding(ModelSource source, Tokenizer tokenizer)
      throws IOException {
    return TokenEncoding.of(
        tokenizer, source.chatTemplate(), source.weights().config().vocabSize());
  }

  private void checkLengths(LlamaConfig config) {
    if (settings.batches().seqLen() > config.contextLength()) {
      throw new IllegalArgumentException(
          "seq_len %d is longer than the model's context of %d; use at most %d"
              .formatted(
                  settings.batches().seqLen(), config.contextLength(), config.contextLength()));
    }
  }

  private void announce(LlamaConfig config, Consumer<String> say) {
    say.accept(
        "model: %s, %,d parameters; %s, %s, %d threads"
            .formatted(modelPath, config.parameterCount(), device.reason(), type, threads));
    MemoryPlan plan =
        MemoryPlan.forTraining(
            config,
            settings.batches().batchSize(),
            settings.batches().seqLen(),
            settings.keep() == ForwardPass.Keep.LAYER_INPUTS,
            type == ComputeType.BF16);
    plan.withMask(settings.batches().packing() == Packing.RECORDS).announce(device, say);
  }

  private boolean train(
      ModelSource source,
      Tokenizer tokenizer,
      TokenStream training,
      @Nullable TokenStream heldOut,
      Optional<Path> checkpoint,
      TrainingListener listener,
      Consumer<String> say)
      throws IOException {
    TorchOps.prepareThread(threads);
    try (NDManager manager = NDManager.newBaseManager(device.device(), "PyTorch");
        LlamaModel model = LlamaModel.load(source.weights(), manager, type);
        CrossEntropyTrainer trainer =
            new CrossEntropyTrainer(
                model,
                settings,
                training,
                heldOut,
                directory.checkpoints(),
                OptionalDouble.of(TrainingBenchmark.matmulFlops(manager, model.ops(), type)))) {
      if (checkpoint.isPresent()) {
        trainer.resume(checkpoint.get());
        say.accept("resumed: " + checkpoint.get());
      }
      boolean done = trainer.run(listener);
      if (trainer.skippedSteps() > 0) {
        say.accept("skipped %d of %d steps".formatted(trainer.skippedSteps(), trainer.steps()));
      }
      if (done) {
        Path target = directory.model();
        ModelDirectory.write(target, model, tokenizer, true, ModelDirectory.Existing.REPLACE);
        say.accept("wrote " + target);
      }
      return done;
    }
  }
}
