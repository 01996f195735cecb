package bitnet.training;

import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.ModelSource;
import bitnet.graph.ComputeType;
import bitnet.graph.LlamaModel;
import bitnet.graph.SelectedDevice;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.model.LoraTarget;
import bitnet.model.NewAdapter;
import java.io.IOException;

/// A model that an adapter is trained on, and that stays as it is.
public final class AdapterBase {
  private AdapterBase() {}

  /// Refuses what an adapter cannot be trained on.
  ///
  /// @throws IllegalArgumentException saying what to change
  public static void require(ModelSource source, LoraSettings lora, SelectedDevice device) {
    if (device.device().isGpu()) {
      throw new IllegalArgumentException(
          "lora_rank trains on packed weights, which the processor multiplies; use `device` cpu");
    }
    if (source.isFullPrecision()) {
      throw new IllegalArgumentException(
          "%s is a full-precision model, and lora_rank needs a ternary base; train it without lora_rank"
              .formatted(source.path()));
    }
    if (lora.norms() && source.weights().config().linearNorms()) {
      throw new IllegalArgumentException(
          "lora_norms cannot train norms inside linear layers, which adapters of PEFT do not hold;"
              + " leave it out");
    }
  }

  /// The model with a new adapter.
  ///
  /// @param seed of the adapter
  /// @param threads that multiply
  public static LlamaModel load(
      ModelSource source,
      LoraSettings lora,
      long seed,
      int threads,
      NDManager manager,
      ComputeType type)
      throws IOException {
    NewAdapter start = NewAdapter.of(lora, source.ternary(), seed);
    return LlamaModel.load(source.ternary(), start, threads, manager, type);
  }

  /// The adapter, for people: `rank 16, alpha 32, 1,234 parameters in q,k,v`.
  public static String describe(LoraSettings lora, LlamaConfig config) {
    return "rank %d, alpha %s, dropout %s; %,d trained parameters in %s"
        .formatted(
            lora.rank(),
            OptionValues.text(lora.alpha()),
            OptionValues.text(lora.dropout()),
            lora.parameterCount(config),
            LoraTarget.keys(lora.targets()) + (lora.norms() ? " and the norms" : ""));
  }
}
