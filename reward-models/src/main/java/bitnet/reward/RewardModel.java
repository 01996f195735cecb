package bitnet.reward;

import bitnet.checkpoint.ModelDirectory;
import bitnet.data.PreferenceRecord;
import bitnet.model.ComputeSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/// A reward that was learned from preferences. It reads the query and the completion, never the
/// reference.
public sealed interface RewardModel extends Reward
    permits LinearRewardModel, TransformerRewardModel {

  /// How good a completion is, as a logit: above 0 for more likely good than bad where the model
  /// was trained on labels; where it was trained on pairs only differences mean something.
  double logit(String query, String completion);

  /// Writes the model as a directory of safetensors and JSON; [#open] reads it.
  ///
  /// @param existing what to do with one that is at the target
  void save(Path directory, ModelDirectory.Existing existing) throws IOException;

  /// Opens a model of either kind.
  ///
  /// @param compute where a model computes that needs more than a moment; the thread that opens it
  ///     is the one to use it
  /// @throws IOException if the directory holds no reward model, or a damaged one
  static RewardModel open(Path directory, ComputeSettings compute) throws IOException {
    if (!Files.exists(directory)) {
      throw new NoSuchFileException(directory.toString());
    }
    if (Files.exists(directory.resolve(LinearRewardModel.FILES.description()))) {
      return LinearRewardModel.load(directory);
    }
    if (Files.exists(directory.resolve(TransformerRewardModel.HEAD))) {
      return TransformerRewardModel.load(directory, compute);
    }
    throw new IOException(
        "%s: has neither %s nor %s, so it is not a reward model; make one with `bitnet train-reward`"
            .formatted(
                directory, LinearRewardModel.FILES.description(), TransformerRewardModel.HEAD));
  }

  /// The share of records that the model ranks as they do: the chosen answer above the rejected
  /// one; a label of at least 0.5 by a logit of at least 0.
  ///
  /// @param records at least one
  default double accuracy(List<PreferenceRecord> records) {
    long right =
        records.stream()
            .filter(
                record ->
                    switch (record) {
                      case PreferenceRecord.Pair pair ->
                          logit(pair.query(), pair.chosen()) > logit(pair.query(), pair.rejected());
                      case PreferenceRecord.Label label ->
                          (logit(label.query(), label.answer()) >= 0) == (label.label() >= 0.5);
                    })
            .count();
    return (double) right / records.size();
  }
}
