package bitnet.reward;

import bitnet.data.PreferenceRecord;
import bitnet.data.RecordSampler;
import bitnet.storage.ContentDigest;
import bitnet.training.BatchSource;
import bitnet.training.LoopSettings;
import bitnet.training.ModelOptionValues;
import bitnet.training.ObjectiveTrainer;
import bitnet.training.OptionValues;
import bitnet.training.TrainingException;
import bitnet.training.TrainingListener;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/// Trains a [TransformerRewardModel] on preferences in the loop that all training shares.
///
/// @param training records to learn from, at least one
/// @param heldOut records to evaluate on; may be empty
/// @param batchSize records of a batch
/// @param settings of the loop
/// @param checkpoints directory for checkpoints
public record RewardModelRun(
    List<PreferenceRecord> training,
    List<PreferenceRecord> heldOut,
    int batchSize,
    LoopSettings settings,
    Path checkpoints) {

  /// Copies the lists.
  public RewardModelRun {
    training = List.copyOf(training);
    heldOut = List.copyOf(heldOut);
  }

  /// Trains decoder and head.
  ///
  /// @param resume the checkpoint to continue from, if any
  /// @return whether all steps are done; otherwise the run can be resumed
  /// @throws IllegalArgumentException if the checkpoint was made with other options
  /// @throws TrainingException if the run diverges
  public boolean train(
      TransformerRewardModel model, Optional<Path> resume, TrainingListener listener)
      throws IOException {
    RecordSampler<PreferenceRecord> sampler = new RecordSampler<>(training, batchSize);
    try (ObjectiveTrainer<List<PreferenceRecord>> trainer =
        new ObjectiveTrainer<>(
            model.encoder(),
            new PreferenceObjective(model),
            new BatchSource<>(sampler::batch, batchSize, training.size()),
            heldOut.isEmpty() ? null : batches(),
            settings,
            options(model),
            checkpoints,
            OptionalDouble.empty())) {
      if (resume.isPresent()) {
        trainer.resume(resume.get());
      }
      return trainer.run(listener);
    }
  }

  /// The held-out records in batches.
  private List<List<PreferenceRecord>> batches() {
    List<List<PreferenceRecord>> batches = new ArrayList<>();
    for (int start = 0; start < heldOut.size(); start += batchSize) {
      batches.add(heldOut.subList(start, Math.min(heldOut.size(), start + batchSize)));
    }
    return batches;
  }

  private static String digest(List<PreferenceRecord> records) {
    return ContentDigest.of(records.toString().getBytes(StandardCharsets.UTF_8));
  }

  private OptionValues options(TransformerRewardModel model) {
    return settings
        .optimizer()
        .options("steps")
        .put("batch_size", batchSize)
        .put("seed", settings.seed())
        .put("reward_head", model.kind().key())
        .put("records", training.size())
        .putContent("dataset", digest(training))
        .putContent("held_out_data", heldOut.isEmpty() ? "" : digest(heldOut))
        .put("dtype", model.encoder().computeType().key())
        .putAll(ModelOptionValues.of(model.encoder().config()));
  }
}
