package bitnet.checkpoint;

import bitnet.format.DType;
import bitnet.format.JsonFile;
import bitnet.format.TensorHeader;
import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.format.safetensors.ShardPlan;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.quantization.RowGroupPacking;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;

/// Writes [HuggingFaceDirectory]: what transformers' `from_pretrained` reads.
///
/// Packed forms hold what inference uses, trits and the stored embeddings; the online form holds
/// the latents that training continues from.
///
/// @param quantization the form of the linear layers; empty for floats, the products of group
///     scales and trits
/// @param shardBytes the most data of one file
record HuggingFaceWriter(Optional<Quantization> quantization, long shardBytes)
    implements ModelWriter {
  /// Transformers' limit.
  static final long SHARD_BYTES = 5_000_000_000L;

  /// In the object `bitnet` of config.json: the form's name, which marks models of this toolkit.
  static final String EXPORTED_AS = "exported_as";

  private static final long SMALL_FILES_BYTES = 64 << 10;

  @Override
  public List<String> write(
      Path target, ModelSource source, ModelDirectory.Existing existing, LongConsumer progress)
      throws IOException {
    LlamaConfig config = source.weights().config();
    requireScales(config);
    requireRowGroups(config);
    List<List<TensorHeader>> parts = new ArrayList<>();
    for (TensorSpec tensor : config.tensors()) {
      parts.add(headers(source, tensor));
    }
    ShardPlan plan = ShardPlan.of(parts, shardBytes);
    try (AtomicDirectory directory =
        AtomicDirectory.create(target, existing, plan.dataBytes() + SMALL_FILES_BYTES)) {
      Path path = directory.path();
      writeTensors(path, source, plan, progress);
      plan.writeIndex(path);
      GenerationConfig generation = source.tokenizerAssets().generation();
      new ConfigJson(
              config.hasGroupScales() ? config : config.withTernaryEmbeddings(false),
              configType(parts),
              quantization,
              generation.beginTokens(),
              generation.endTokens(),
              JsonFile.MAPPER
                  .createObjectNode()
                  .put(EXPORTED_AS, quantization.map(Quantization::name).orElse("float")))
          .write(path.resolve(ConfigJson.NAME));
      source.tokenizerAssets().save(path);
      directory.commitUnsealed(existing);
    }
    return remarks(source, parts);
  }

  private void requireScales(LlamaConfig config) {
    if (config.hasGroupScales() == quantization.isPresent()) {
      throw new IllegalArgumentException(
          config.hasGroupScales()
              ? "a model with group scales has no quantized Hugging Face form; use hf-float"
              : "hf-float is for models with group scales; use hf-bitlinear or hf-autobitlinear");
    }
  }

  private void requireRowGroups(LlamaConfig config) {
    for (TensorSpec tensor : config.tensors()) {
      if (isPacked(tensor) && tensor.rows() % RowGroupPacking.ROWS_PER_BYTE != 0) {
        throw new IllegalArgumentException(
            "tensor '%s' has %d rows; Hugging Face's packing needs a multiple of %d, use hf-online"
                .formatted(tensor.name(), tensor.rows(), RowGroupPacking.ROWS_PER_BYTE));
      }
    }
  }

  private boolean isPacked(TensorSpec tensor) {
    return quantization.isPresent() && !isLatent() && isLinear(tensor);
  }

  private boolean isLatent() {
    return quantization.isPresent() && quantization.get().isLatent();
  }

  private boolean scalesBias(TensorSpec tensor) {
    return tensor.kind() == TensorSpec.Kind.BIAS
        && quantization.isPresent()
        && quantization.get().scalesBiases();
  }

  private static boolean isLinear(TensorSpec tensor) {
    return tensor.kind() == TensorSpec.Kind.TERNARY;
  }

  /// Transformers has no ternary embeddings: a ternary embedding is written as float values.
  private static boolean isTernaryEmbedding(LlamaConfig config, TensorSpec tensor) {
    return config.ternaryEmbeddings()
        && !config.hasGroupScales()
        && tensor.kind() == TensorSpec.Kind.EMBEDDING;
  }

  /// The tensors that store one parameter.
  private List<TensorHeader> headers(ModelSource source, TensorSpec tensor) throws IOException {
    if (!isPacked(tensor)) {
      return List.of(TensorHeader.of(tensor.name(), floatType(source, tensor), tensor.shape()));
    }
    int byteRows = tensor.rows() / RowGroupPacking.ROWS_PER_BYTE;
    double stored = storedScale(source, tensor);
    DType type = (float) stored == stored ? DType.F32 : DType.F64;
    return List.of(
        TensorHeader.of(tensor.name(), DType.U8, byteRows, tensor.columns()),
        TensorHeader.of(HuggingFaceDirectory.scaleName(tensor), type, 1));
  }

  private double storedScale(ModelSource source, TensorSpec tensor) throws IOException {
    return quantization
        .orElseThrow()
        .linearClass()
        .stored(source.ternary().ternary(tensor).scale(0));
  }

  /// The narrowest type that keeps every value.
  private DType floatType(ModelSource source, TensorSpec tensor) throws IOException {
    if (isTernaryEmbedding(source.weights().config(), tensor)) {
      return DType.F32;
    }
    if (scalesBias(tensor)) {
      return DType.F32;
    }
    if (quantization.isEmpty() && source.weights().config().isTernary(tensor)) {
      return DType.F16; // as the scales
    }
    return source.stored().exactType(tensor, isLatent());
  }

  /// The type that transformers computes in: the widest that is stored.
  private static DType configType(List<List<TensorHeader>> parts) {
    Set<DType> types =
        parts.stream()
            .map(part -> part.getFirst().dtype())
            .filter(DType::isFloat)
            .collect(Collectors.toSet());
    return types.size() == 1 ? types.iterator().next() : DType.F32;
  }

  private void writeTensors(Path path, ModelSource source, ShardPlan plan, LongConsumer progress)
      throws IOException {
    long parameters = 0;
    for (ShardPlan.Shard shard : plan.shards()) {
      try (SafetensorsWriter file =
          SafetensorsWriter.create(
              path.resolve(shard.name()), shard.tensors(), ShardPlan.METADATA)) {
        TensorExport export = new TensorExport(source, file);
        for (TensorSpec tensor : source.weights().config().tensors()) {
          if (shard.holds(tensor.name())) {
            writeTensor(export, tensor);
            parameters += tensor.count();
            progress.accept(parameters);
          }
        }
        file.commit();
      }
    }
  }

  private void writeTensor(TensorExport export, TensorSpec tensor) throws IOException {
    if (isPacked(tensor)) {
      export.writePacked(tensor, quantization.orElseThrow());
    } else if (scalesBias(tensor)) {
      export.writeUnscaled(tensor);
    } else if (!isLatent() || isTernaryEmbedding(export.config(), tensor)) {
      export.writeStored(tensor);
    } else {
      export.writeLatents(tensor);
    }
  }

  private List<String> remarks(ModelSource source, List<List<TensorHeader>> parts) {
    List<String> remarks = new ArrayList<>(source.remarks());
    boolean latents = source.weights().hasLatents();
    if (isLatent() && !latents) {
      remarks.add("the latent weights are made from trits and scales, and quantize to the same");
    }
    if (!isLatent() && latents) {
      remarks.add("the latent weights are left out; hf-online keeps them");
    }
    long wide = parts.stream().filter(part -> part.getLast().dtype() == DType.F64).count();
    if (wide > 0) {
      remarks.add(
          "%d of %d inverse scales are stored as F64: no F32 number has exactly that inverse"
              .formatted(wide, parts.stream().filter(part -> part.size() > 1).count()));
    }
    return remarks;
  }
}
