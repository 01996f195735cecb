package bitnet.training;

import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.data.BatchSampler;
import bitnet.data.EvaluationBatches;
import bitnet.data.LossMask;
import bitnet.data.RecordPacking;
import bitnet.data.TokenBatch;
import bitnet.data.TokenStream;
import bitnet.graph.LlamaModel;
import bitnet.model.AdapterWeights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/// Trains a model on a text by next-token cross-entropy.
public final class CrossEntropyTrainer implements AutoCloseable {
  private final ObjectiveTrainer<TokenBatch> trainer;

  /// Prepares a run.
  ///
  /// @param model closed by its owner
  /// @param training the text to learn from; one that was opened with the packing of the settings
  /// @param heldOut the text to evaluate on, or null
  /// @param checkpoints the directory for checkpoints
  /// @param peakFlops floating-point operations per second that this machine's products reach
  /// @throws IllegalArgumentException if every token of the training text is masked
  public CrossEntropyTrainer(
      LlamaModel model,
      TrainingSettings settings,
      TokenStream training,
      @Nullable TokenStream heldOut,
      Path checkpoints,
      OptionalDouble peakFlops) {
    requireTargets(training);
    TrainingSettings.Batches batches = settings.batches();
    double flopsPerToken =
        TrainingFlops.perToken(model.config(), batches.seqLen(), model.adapter().isPresent());
    this.trainer =
        new ObjectiveTrainer<>(
            model,
            new CrossEntropyLoss(model),
            source(training, batches),
            heldOut == null ? null : inOrder(heldOut, batches),
            settings.loop(),
            options(model, settings, training, heldOut),
            checkpoints,
            peakFlops.isEmpty()
                ? peakFlops
                : OptionalDouble.of(peakFlops.getAsDouble() / flopsPerToken));
  }

  private static BatchSource<TokenBatch> source(
      TokenStream training, TrainingSettings.Batches batches) {
    int size = batches.batchSize();
    return switch (batches.packing()) {
      case STREAM -> {
        BatchSampler sampler =
            new BatchSampler(training, batches.sampling(), size, batches.seqLen());
        yield new BatchSource<>(sampler::batch, size, sampler.windowsPerEpoch());
      }
      case RECORDS -> {
        RecordPacking packed = new RecordPacking("training text", training, size, batches.seqLen());
        yield new BatchSource<>(
            state -> packed.batch(state, batches.sampling(), size), size, packed.windows());
      }
    };
  }

  private static Iterable<TokenBatch> inOrder(
      TokenStream heldOut, TrainingSettings.Batches batches) {
    return switch (batches.packing()) {
      case STREAM -> new EvaluationBatches(heldOut, batches.batchSize(), batches.seqLen());
      case RECORDS ->
          new RecordPacking("held-out text", heldOut, batches.batchSize(), batches.seqLen())
              .inOrder(batches.batchSize());
    };
  }

  private static OptionValues options(
      LlamaModel model,
      TrainingSettings settings,
      TokenStream training,
      @Nullable TokenStream heldOut) {
    return settings
        .options()
        .put("dtype", model.computeType().key())
        .put("completion_only_loss", training.mask() != LossMask.NONE)
        .put("training_tokens", training.size())
        .putContent("dataset", training.digest())
        .putContent("held_out_data", heldOut == null ? "" : heldOut.digest())
        .putContent("model_path", model.adapter().map(AdapterWeights::base).orElse(""))
        .putAll(ModelOptionValues.of(model.config()));
  }

  private static void requireTargets(TokenStream training) {
    if (training.mask() != LossMask.NONE && !training.hasTargets()) {
      throw new IllegalArgumentException(
          "all %d training tokens are prompts, which completion_only_loss only reads; give more"
                  .formatted(training.size())
              + " records, or a smaller eval_fraction");
    }
  }

  /// Continues from a checkpoint.
  ///
  /// @throws IllegalArgumentException if that run had other options
  public void resume(Path checkpoint) throws IOException {
    trainer.resume(checkpoint);
  }

  /// Trains until the last step, a stop signal, or too many bad steps; saves at the end.
  ///
  /// @return whether all steps are done
  /// @throws TrainingException if the run diverges; the last checkpoint is from before that
  public boolean run(TrainingListener listener) throws IOException {
    return trainer.run(listener);
  }

  /// Takes over the weights of a checkpoint, and nothing else of it: moments, the place in the data
  /// and the schedule stay.
  ///
  /// @return the share of trits that this changed; of large layers, of some of their rows
  public double replaceWeights(TrainingCheckpoint weights) throws IOException {
    return trainer.replaceWeights(weights);
  }

  /// Trains for some steps, without a checkpoint and without a look at the held-out text but at the
  /// last step of the run.
  ///
  /// @throws TrainingException if the run diverges
  public void advance(long steps, TrainingListener listener) throws IOException {
    trainer.advance(steps, listener);
  }

  /// Writes a checkpoint of the step that was reached.
  ///
  /// @param more tensors of the caller's own, by name
  /// @throws TrainingException if the run has diverged
  public Path save(Map<String, MemorySegment> more) throws IOException {
    return trainer.save(more);
  }

  /// Steps of the whole run.
  public long steps() {
    return trainer.steps();
  }

  /// Steps of the whole run, those before a resumption included, that changed no weight.
  public long skippedSteps() {
    return trainer.skippedSteps();
  }

  /// The mean loss of the weights as they are on the held-out text, nats per token; empty without
  /// one.
  public OptionalDouble evaluate() {
    trainer.ternarize();
    return trainer.evaluate();
  }

  @Override
  public void close() {
    trainer.close();
  }
}
