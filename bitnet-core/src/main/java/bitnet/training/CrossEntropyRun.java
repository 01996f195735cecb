package bitnet.training;

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
import bitnet.graph.SelectedDevice;
import bitnet.model.LlamaConfig;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Cross-entropy training from files to files: a model and a text in, a run directory out, which
/// holds `checkpoints/` and, at the end, `model/`, or `adapter/` where only an adapter is trained.
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
    try (CrossEntropyWorker opened = CrossEntropyWorker.open(this, say)) {
      return train(opened, checkpoint, listener, say);
    }
  }

  /// The options that determine the numbers of the run, whatever the machine and the text.
  public OptionValues options() {
    return settings.options().put("dtype", type.key());
  }

  TextDataset open(Path file, TokenEncoding encoding) throws IOException {
    return text.open(file, settings.batches().packing(), encoding, directory.path());
  }

  boolean hasWindow(TokenStream tokens) {
    return switch (settings.batches().packing()) {
      case STREAM -> tokens.size() > settings.batches().seqLen();
      case RECORDS -> RecordPacking.hasWindow(tokens);
    };
  }

  void announcePacking(TokenStream training, Consumer<String> say) {
    TrainingSettings.Batches batches = settings.batches();
    if (batches.packing() == Packing.RECORDS) {
      RecordPacking packed =
          new RecordPacking("training text", training, batches.batchSize(), batches.seqLen());
      say.accept("packing: " + packed.summary());
    }
  }

  static TokenEncoding encoding(ModelSource source, Tokenizer tokenizer) throws IOException {
    return TokenEncoding.of(
        tokenizer, source.chatTemplate(), source.weights().config().vocabSize());
  }

  void checkLengths(LlamaConfig config) {
    if (settings.batches().seqLen() > config.contextLength()) {
      throw new IllegalArgumentException(
          "seq_len %d is longer than the model's context of %d; use at most %d"
              .formatted(
                  settings.batches().seqLen(), config.contextLength(), config.contextLength()));
    }
  }

  void announce(LlamaConfig config, Consumer<String> say) {
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
    settings.lora().ifPresent(lora -> say.accept("adapter: " + AdapterBase.describe(lora, config)));
    plan.withLora(settings.lora())
        .withMask(settings.batches().packing() == Packing.RECORDS)
        .announce(device, say);
  }

  private boolean train(
      CrossEntropyWorker opened,
      Optional<Path> checkpoint,
      TrainingListener listener,
      Consumer<String> say)
      throws IOException {
    try (CrossEntropyTrainer trainer = opened.trainer(directory.checkpoints())) {
      if (checkpoint.isPresent()) {
        trainer.resume(checkpoint.get());
        say.accept("resumed: " + checkpoint.get());
      }
      boolean done = trainer.run(listener);
      if (trainer.skippedSteps() > 0) {
        say.accept("skipped %d of %d steps".formatted(trainer.skippedSteps(), trainer.steps()));
      }
      if (done) {
        say.accept("wrote " + opened.write(directory));
      }
      return done;
    }
  }
}
