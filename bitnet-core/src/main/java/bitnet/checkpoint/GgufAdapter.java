package bitnet.checkpoint;

import bitnet.format.DType;
import bitnet.format.gguf.GgufFields;
import bitnet.format.gguf.GgufTensor;
import bitnet.format.gguf.GgufType;
import bitnet.format.gguf.GgufWriter;
import bitnet.model.AdapterWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.model.ModelFamily;
import bitnet.model.TensorSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Writes LoRA adapters as GGUF files, which llama.cpp computes next to a model (`--lora FILE`).
///
/// A and B of `blk.0.attn_q.weight` are `blk.0.attn_q.weight.lora_a`, `[rank, in]`, and
/// `.lora_b`, `[out, rank]`, in F32; where the architecture has another order of the rows of q
/// and k, so has B.
public final class GgufAdapter {
  /// The name of the form on the command line.
  public static final String FORMAT = "gguf-lora";

  private final LoraSettings settings;
  private final GgufLayout layout;

  private GgufAdapter(LoraSettings settings, LlamaConfig config) {
    this.settings = settings;
    this.layout = new GgufLayout(GgufArchitecture.of(ModelFamily.of(config)), config);
  }

  /// Writes an adapter.
  ///
  /// @param target the file; appears complete or not at all
  /// @param config of the model that the adapter is for
  /// @param existing what to do with an adapter that is at the target
  /// @throws IllegalArgumentException if the form cannot hold this adapter, or the target may not
  ///     be replaced, saying what to do instead
  public static void write(
      Path target, AdapterWeights adapter, LlamaConfig config, ModelDirectory.Existing existing)
      throws IOException {
    LoraSettings settings = adapter.settings();
    if (settings.norms()) {
      throw new IllegalArgumentException(
          "the adapter has gains of norms, which llama.cpp reads from no adapter; train it without"
              + " --lora_norms");
    }
    GgufModelWriter.requireReplaceable(target, existing);
    new GgufAdapter(settings, config).write(target, adapter);
  }

  private void write(Path target, AdapterWeights adapter) throws IOException {
    List<TensorSpec> targets = layout.config().tensors().stream().filter(settings::adapts).toList();
    List<GgufTensor> tensors = new ArrayList<>();
    for (TensorSpec linear : targets) {
      tensors.add(GgufTensor.of(down(linear), GgufType.F32, settings.down(linear).shape()));
      tensors.add(GgufTensor.of(up(linear), GgufType.F32, settings.up(linear).shape()));
    }
    GgufFields fields =
        new GgufFields()
            .put("general.architecture", layout.architecture().key())
            .put("general.type", "adapter")
            .put("adapter.type", "lora")
            .put("adapter.lora.alpha", (float) (settings.scaling() * settings.rank()));
    try (GgufWriter writer = GgufWriter.create(target, fields, tensors)) {
      for (TensorSpec linear : targets) {
        write(writer, down(linear), adapter.values(settings.down(linear)));
        write(writer, up(linear), ordered(linear, adapter.values(settings.up(linear))));
      }
      writer.commit();
    }
  }

  private static void write(GgufWriter writer, String name, float[] values) throws IOException {
    MemorySegment floats = MemorySegment.ofArray(values);
    writer.write(name, GgufModelWriter.converted(name, DType.F32, floats));
  }

  private static String down(TensorSpec linear) {
    return GgufLayout.name(linear) + ".lora_a";
  }

  private static String up(TensorSpec linear) {
    return GgufLayout.name(linear) + ".lora_b";
  }

  /// B with its rows in the order of the file.
  private float[] ordered(TensorSpec linear, float[] values) {
    RotaryOrder order = layout.order(linear);
    int rank = settings.rank();
    float[] ordered = new float[values.length];
    for (int row = 0; row < linear.rows(); row++) {
      System.arraycopy(values, order.inCheckpoint(row) * rank, ordered, row * rank, rank);
    }
    return ordered;
  }
}
