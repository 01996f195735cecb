package bitnet.training;

import bitnet.device.SystemMemory;
import bitnet.graph.SelectedDevice;
import bitnet.graph.TorchOps;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.model.TensorSpec;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// How much memory a training run takes, part by part, estimated from its dimensions.
///
/// @param config the model
/// @param batch sequences in a (micro-)batch
/// @param seq tokens in a sequence
/// @param gradientCheckpointing whether a layer's activations are recomputed in the backward pass
/// @param masked whether each batch has an attention mask of its own
/// @param bf16 whether products are computed in bf16
/// @param memory what the machine has
/// @param lora the adapter that is trained on a packed base; empty where all weights are trained
public record MemoryPlan(
    LlamaConfig config,
    int batch,
    int seq,
    boolean gradientCheckpointing,
    boolean masked,
    boolean bf16,
    SystemMemory memory,
    Optional<LoraSettings> lora) {

  /// The JVM, libtorch and its scratch space.
  private static final long BASELINE_BYTES = 450L << 20;

  private static final int FP32 = Float.BYTES;
  private static final int TRITS_PER_BYTE = 4;

  /// Checks the dimensions.
  ///
  /// @throws IllegalArgumentException if batch or seq is not positive
  public MemoryPlan {
    if (batch < 1 || seq < 1) {
      throw new IllegalArgumentException(
          "batch %d x seq %d is empty; both must be at least 1".formatted(batch, seq));
    }
  }

  /// The plan of a training run on this machine, with the memory available now.
  ///
  /// @throws IllegalArgumentException if batch or seq is not positive
  public static MemoryPlan forTraining(
      LlamaConfig config, int batch, int seq, boolean gradientCheckpointing, boolean bf16) {
    return new MemoryPlan(
        config,
        batch,
        seq,
        gradientCheckpointing,
        false,
        bf16,
        SystemMemory.current(),
        Optional.empty());
  }

  /// This plan with an attention mask for each batch, or without.
  public MemoryPlan withMask(boolean other) {
    return new MemoryPlan(config, batch, seq, gradientCheckpointing, other, bf16, memory, lora);
  }

  /// This plan with an adapter on a packed base, or without.
  public MemoryPlan withLora(Optional<LoraSettings> other) {
    return new MemoryPlan(config, batch, seq, gradientCheckpointing, masked, bf16, memory, other);
  }

  /// The fp32 latent weights; with an adapter its weights, and those of the base that are not
  /// packed.
  public long weightsBytes() {
    return lora.isEmpty()
        ? config.parameterCount() * FP32
        : (config.parameterCount() - ternaryCount() + trainedCount()) * FP32;
  }

  /// The packed weights of a frozen base: two bits for the kernels, and two for the gradients of
  /// the inputs; with group scales these as well.
  public long packedBytes() {
    int groups = config.weights().scaleColumns();
    long scales = groups == 0 ? 0 : ternaryCount() / groups * FP32;
    return 2 * (ternaryCount() / TRITS_PER_BYTE + scales);
  }

  private long trainedCount() {
    return lora.map(settings -> settings.parameterCount(config)).orElseGet(config::parameterCount);
  }

  private long ternaryCount() {
    return config.tensors().stream()
        .filter(tensor -> tensor.kind() == TensorSpec.Kind.TERNARY)
        .mapToLong(TensorSpec::count)
        .sum();
  }

  /// One fp32 gradient a trained weight.
  public long gradientsBytes() {
    return trainedCount() * FP32;
  }

  /// AdamW's two fp32 moments of each trained weight.
  public long momentsBytes() {
    return trainedCount() * FP32 * 2;
  }

  /// The ternarized weights that a step multiplies with and keeps for its backward pass.
  public long ternaryBytes() {
    return ternaryCount() * productBytes();
  }

  /// What the forward pass keeps for the backward pass.
  public long activationsBytes() {
    long hidden = config.hiddenSize();
    long inputs = hidden * FP32;
    // an adapter reads the values before they are quantized
    long quantized =
        (hidden + config.queryWidth() + hidden + config.intermediateSize())
            * (lora.isPresent() ? FP32 : productBytes());
    long qkv = (config.queryWidth() + 2L * config.keyValueWidth()) * FP32;
    long attention = (long) config.queryWidth() * FP32;
    long gateUp = 2L * config.intermediateSize() * FP32;
    long layer = inputs + quantized + qkv + attention + gateUp + linearNormBytes();
    long token =
        gradientCheckpointing ? config.layerCount() * inputs + layer : config.layerCount() * layer;
    return Math.multiplyExact((long) batch * seq, token);
  }

  /// Of a token: norms inside the linear layers make q, k and v, gate and up each quantize their
  /// own input, and need the values that they norm.
  private long linearNormBytes() {
    long hidden = config.hiddenSize();
    return config.linearNorms()
        ? 3 * hidden * productBytes() + (2 * hidden + config.intermediateSize()) * FP32
        : 0;
  }

  /// Logits, their softmax and their gradient, for one chunk of tokens.
  public long logitsBytes() {
    return Math.min(TorchOps.LOGIT_ROWS, (long) batch * seq) * config.vocabSize() * FP32 * 3;
  }

  /// The fp32 attention mask of a batch, as an array and as a tensor; 0 without one.
  public long maskBytes() {
    return masked ? Math.multiplyExact((long) batch * seq, (long) seq) * FP32 * 2 : 0;
  }

  /// All parts together.
  public long totalBytes() {
    return parts().values().stream().mapToLong(Long::longValue).sum();
  }

  /// Whether the run fits into the memory that is available.
  public boolean fits() {
    return totalBytes() <= memory.availableBytes();
  }

  /// The parts as a short table, ending in a line break.
  public String describe() {
    StringBuilder text = new StringBuilder();
    parts().forEach((part, bytes) -> text.append("  %-28s%10s%n".formatted(part, mib(bytes))));
    text.append(
        "  %-28s%10s of %s available%n"
            .formatted("total", mib(totalBytes()), mib(memory.availableBytes())));
    return text.toString();
  }

  /// Says the parts, and refuses a run on the processor that does not fit.
  ///
  /// @throws IllegalArgumentException if it does not fit
  public void announce(SelectedDevice device, Consumer<String> say) {
    say.accept("memory:\n" + describe().stripTrailing());
    if (!device.device().isGpu()) {
      requireFits();
    }
  }

  /// Refuses a run that would be killed for want of memory.
  ///
  /// @throws IllegalArgumentException if the run does not fit, saying what would
  public void requireFits() {
    if (!fits()) {
      throw new IllegalArgumentException(
          "training needs about %s of memory and %s is available; %s"
              .formatted(mib(totalBytes()), mib(memory.availableBytes()), remedy()));
    }
  }

  private String remedy() {
    MemoryPlan checkpointed = with(batch, seq, true);
    if (checkpointed.fits()) {
      return "use grad_checkpoint (%s)".formatted(mib(checkpointed.totalBytes()));
    }
    MemoryPlan smallest = with(1, seq, true);
    if (smallest.fits()) {
      MemoryPlan largest = smallest;
      while (with(largest.batch + 1, seq, true).fits()) {
        largest = with(largest.batch + 1, seq, true);
      }
      return "use grad_checkpoint with batch_size %d (%s)"
          .formatted(largest.batch, mib(largest.totalBytes()));
    }
    for (int shorter = seq / 2; shorter >= 16; shorter /= 2) {
      MemoryPlan plan = with(1, shorter, true);
      if (plan.fits()) {
        return "use grad_checkpoint with batch_size 1 seq_len %d (%s)"
            .formatted(shorter, mib(plan.totalBytes()));
      }
    }
    return "no batch_size or seq_len fits, so use a smaller model or free memory";
  }

  private MemoryPlan with(int newBatch, int newSeq, boolean checkpointing) {
    return new MemoryPlan(config, newBatch, newSeq, checkpointing, masked, bf16, memory, lora);
  }

  private Map<String, Long> parts() {
    Map<String, Long> parts = new LinkedHashMap<>();
    parts.put("weights", weightsBytes());
    parts.put("gradients", gradientsBytes());
    parts.put("optimizer moments", momentsBytes());
    if (lora.isPresent()) {
      parts.put("packed weights", packedBytes());
    } else {
      parts.put("ternary weights of a step", ternaryBytes());
    }
    parts.put("activations", activationsBytes());
    parts.put("logits", logitsBytes());
    if (masked) {
      parts.put("attention mask", maskBytes());
    }
    parts.put("JVM and engine", BASELINE_BYTES);
    return parts;
  }

  private int productBytes() {
    return bf16 ? 2 : FP32;
  }

  private static String mib(long bytes) {
    return String.format(Locale.ROOT, "%,d MiB", Math.ceilDiv(bytes, 1L << 20));
  }
}
