package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.graph.LlamaModel;
import bitnet.model.AdapterWeights;
import bitnet.reward.WeightedReward;
import bitnet.storage.ContentDigest;
import bitnet.training.LoraOptionValues;
import bitnet.training.ModelOptionValues;
import bitnet.training.OptionValues;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

/// What must be equal when a run is resumed: its settings, and the content of what it works with.
final class GrpoRunOptions {
  private GrpoRunOptions() {}

  /// The options of a run.
  static OptionValues of(GrpoTrainer.Inputs inputs, GrpoSettings settings) throws IOException {
    OptionValues learned = new OptionValues();
    for (WeightedReward.Term term : inputs.rewards().terms()) {
      String digest = term.reward().digest();
      if (!digest.isEmpty()) {
        learned.putContent("reward_model " + term.name(), digest);
      }
    }
    // a reference that never changes is not in the checkpoints: it is made of the model again
    boolean rebuilt = settings.isCompared() && settings.update().refSync() == 0;
    return settings
        .options()
        .put("reward_model", names(inputs.rewards()))
        .put("questions", inputs.training().size())
        .putContent("dataset", digest(inputs.training()))
        .putContent("held_out_data", inputs.heldOut().isEmpty() ? "" : digest(inputs.heldOut()))
        .putContent("model_path", base(inputs.model(), rebuilt))
        .putAll(LoraOptionValues.of(inputs.model().adapter().map(AdapterWeights::settings)))
        .putAll(learned)
        .put("dtype", inputs.model().computeType().key())
        .putAll(ModelOptionValues.of(inputs.model().config()));
  }

  private static String base(LlamaModel model, boolean rebuilt) throws IOException {
    if (model.adapter().isPresent()) {
      return model.adapter().get().base();
    }
    return rebuilt ? ModelOptionValues.digest(model) : "";
  }

  private static String digest(List<QaRecord> questions) {
    return ContentDigest.of(questions.toString().getBytes(StandardCharsets.UTF_8));
  }

  /// The weighted sum, `1*f1 + 0.5*length`.
  private static String names(WeightedReward rewards) {
    return rewards.terms().stream()
        .map(term -> "%s*%s".formatted(OptionValues.text(term.weight()), term.name()))
        .collect(Collectors.joining(" + "));
  }
}
