package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.gguf.GgufType;
import bitnet.setting.NamedValues;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/// The forms in which a model can be written.
public enum ModelFormat {
  /// This toolkit's own model directory.
  NATIVE("native"),
  /// Transformers, packed, with the scale 1 / mean|W|.
  HF_BITLINEAR("hf-bitlinear"),
  /// Transformers, packed, with the scale mean|W|.
  HF_AUTOBITLINEAR("hf-autobitlinear"),
  /// Transformers, latent weights that are quantized in each forward pass.
  HF_ONLINE("hf-online"),
  /// Transformers, without quantization: the products of group scales and trits as floats.
  HF_FLOAT("hf-float"),
  /// A GGUF file with two bits per weight.
  GGUF_TQ2_0("gguf-tq2_0"),
  /// A GGUF file with 1.7 bits per weight.
  GGUF_TQ1_0("gguf-tq1_0"),
  /// A GGUF file for microsoft/BitNet's fork of llama.cpp.
  GGUF_I2_S("gguf-i2_s"),
  /// A GGUF file with the ternary weights as 16-bit floats.
  GGUF_F16("gguf-f16"),
  /// A GGUF file with two bits per weight and a scale for every 64.
  GGUF_Q2_0("gguf-q2_0"),
  /// A GGUF file with two bits per weight and a scale for every 128, for PrismML's fork of
  /// llama.cpp.
  GGUF_PQ2_0("gguf-pq2_0"),
  /// The same with 1.6 bits per weight.
  GGUF_PTQ1_0("gguf-ptq1_0");

  private final String key;

  ModelFormat(String key) {
    this.key = key;
  }

  private ModelWriter writer() {
    return switch (this) {
      case NATIVE -> new NativeWriter();
      case HF_BITLINEAR -> huggingFace(Quantization.packed(Quantization.LinearClass.BITLINEAR));
      case HF_AUTOBITLINEAR ->
          huggingFace(Quantization.packed(Quantization.LinearClass.AUTOBITLINEAR));
      case HF_ONLINE -> huggingFace(Quantization.online());
      case HF_FLOAT -> new HuggingFaceWriter(Optional.empty(), HuggingFaceWriter.SHARD_BYTES);
      case GGUF_TQ2_0 -> new GgufModelWriter(GgufType.TQ2_0);
      case GGUF_TQ1_0 -> new GgufModelWriter(GgufType.TQ1_0);
      case GGUF_I2_S -> new GgufModelWriter(GgufType.I2_S);
      case GGUF_F16 -> new GgufModelWriter(GgufType.F16);
      case GGUF_Q2_0 -> new GgufModelWriter(GgufType.Q2_0);
      case GGUF_PQ2_0 -> new GgufModelWriter(GgufType.PQ2_0);
      case GGUF_PTQ1_0 -> new GgufModelWriter(GgufType.PTQ1_0);
    };
  }

  /// Whether only models with group scales have this form.
  public boolean needsGroupScales() {
    return switch (this) {
      case HF_FLOAT, GGUF_Q2_0, GGUF_PQ2_0, GGUF_PTQ1_0 -> true;
      case NATIVE,
          HF_BITLINEAR,
          HF_AUTOBITLINEAR,
          HF_ONLINE,
          GGUF_TQ2_0,
          GGUF_TQ1_0,
          GGUF_I2_S,
          GGUF_F16 ->
          false;
    };
  }

  private static ModelWriter huggingFace(Quantization quantization) {
    return new HuggingFaceWriter(Optional.of(quantization), HuggingFaceWriter.SHARD_BYTES);
  }

  /// The name on the command line.
  public String key() {
    return key;
  }

  /// The form of that name.
  ///
  /// @throws IllegalArgumentException if there is none, naming all
  public static ModelFormat of(String key) {
    return NamedValues.find(values(), ModelFormat::key, key, "format");
  }

  /// The names of all forms.
  public static List<String> keys() {
    return Arrays.stream(values()).map(ModelFormat::key).toList();
  }

  /// Writes a model in this form, tensor by tensor.
  ///
  /// @param target the directory or file; appears complete or not at all
  /// @param source an open model
  /// @param existing what to do with a model that is at the target
  /// @param progress receives the number of parameters written so far
  /// @return remarks for the user about what the form could not keep; may be empty
  /// @throws IllegalArgumentException if the form cannot hold this model, or the target may not be
  ///     replaced, saying what to do instead
  /// @throws CheckpointException if the source is damaged or the disk has not enough space
  public List<String> write(
      Path target, ModelSource source, ModelDirectory.Existing existing, LongConsumer progress)
      throws IOException {
    return writer().write(target, source, existing, progress);
  }
}
