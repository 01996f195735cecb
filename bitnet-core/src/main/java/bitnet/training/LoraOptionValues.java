package bitnet.training;

import bitnet.model.LoraSettings;
import bitnet.model.LoraTarget;
import java.util.Optional;

/// An adapter as [OptionValues]: a run resumes with the same one.
public final class LoraOptionValues {
  private LoraOptionValues() {}

  /// The settings of an adapter, each an option that begins with `lora_`; without one only the
  /// rank, 0.
  public static OptionValues of(Optional<LoraSettings> lora) {
    OptionValues values =
        new OptionValues().put("lora_rank", lora.map(LoraSettings::rank).orElse(0), 0);
    lora.ifPresent(
        settings ->
            values
                .put("lora_alpha", settings.alpha())
                .put("lora_targets", LoraTarget.keys(settings.targets()))
                .put("lora_dropout", settings.dropout())
                .put("lora_norms", settings.norms()));
    return values;
  }
}
