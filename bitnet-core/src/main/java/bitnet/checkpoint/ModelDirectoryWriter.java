package bitnet.checkpoint;

import bitnet.format.DType;
import bitnet.format.JsonFile;
import bitnet.format.TensorHeader;
import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.format.safetensors.TensorStore;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;

/// Writes every file of a [ModelDirectory].
///
/// @param config the model's dimensions
/// @param assets tokenizer and the like, copied into the directory
/// @param existing what to do with a model that is at the target
/// @param progress receives the number of parameters written so far
record ModelDirectoryWriter(
    LlamaConfig config,
    TokenizerAssets assets,
    ModelDirectory.Existing existing,
    LongConsumer progress) {
  private static final Map<String, String> METADATA = Map.of("format", "pt");
  private static final long HEADER_BYTES_PER_TENSOR = 400; // of the file's header and the index
  private static final long SMALL_FILES_BYTES = 64 << 10;

  /// The size of the directory without the tokenizer, estimated upwards.
  static long diskBytes(LlamaConfig config, boolean withMaster) {
    long headers = HEADER_BYTES_PER_TENSOR * 3 * config.tensors().size();
    long master = withMaster ? Float.BYTES * config.parameterCount() : 0;
    return ModelLayout.dataBytes(config) + headers + master + SMALL_FILES_BYTES;
  }

  /// Writes the weights into a directory.
  private interface Content {
    void write(Path directory) throws IOException;
  }

  /// Writes one parameter.
  private interface Encoder {
    void encode(TensorSpec tensor) throws IOException;
  }

  /// Ternarizes latents and writes the directory.
  ///
  /// @param source the latents
  /// @param toolkit the object `bitnet` of config.json
  /// @param withMaster whether the latents are kept in fp32 too
  void write(
      Path target, ParameterEncoder.LatentReader source, ObjectNode toolkit, boolean withMaster)
      throws IOException {
    write(
        target,
        toolkit,
        withMaster,
        directory -> {
          if (!withMaster) {
            writeLatents(directory, source, Optional.empty());
            return;
          }
          Path file = directory.resolve(ModelDirectory.MASTER);
          try (SafetensorsWriter master =
              SafetensorsWriter.create(file, masterHeaders(), METADATA)) {
            writeLatents(directory, source, Optional.of(master));
            master.commit();
          }
        });
  }

  /// Writes the directory with trits and scales as they are.
  void write(Path target, TernaryWeights stored) throws IOException {
    write(
        target,
        BlankModelMetadata.none(),
        false,
        directory -> {
          try (SafetensorsWriter model = modelFile(directory)) {
            writeTensors(new StoredEncoder(stored, model)::encode);
            model.commit();
          }
        });
  }

  private void write(Path target, ObjectNode toolkit, boolean withMaster, Content content)
      throws IOException {
    requireRoom(assets.tokenizerSize());
    try (AtomicDirectory directory =
        AtomicDirectory.create(target, existing, diskBytes(config, withMaster))) {
      Path path = directory.path();
      content.write(path);
      writeIndex(path.resolve(TensorStore.INDEX));
      GenerationConfig generation = assets.generation();
      new ConfigJson(
              config,
              DType.BF16,
              Optional.empty(),
              generation.beginTokens(),
              generation.endTokens(),
              toolkit)
          .write(path.resolve(ConfigJson.NAME));
      assets.save(path);
      directory.commit(existing);
    }
  }

  private void requireRoom(int tokens) {
    if (tokens > config.vocabSize()) {
      throw new IllegalArgumentException(
          "the tokenizer has %d tokens but vocab_size is %d; use at least %d"
              .formatted(tokens, config.vocabSize(), tokens));
    }
  }

  private List<TensorHeader> masterHeaders() {
    return config.tensors().stream()
        .map(tensor -> TensorHeader.of(tensor.name(), DType.F32, tensor.shape()))
        .toList();
  }

  private SafetensorsWriter modelFile(Path directory) throws IOException {
    return SafetensorsWriter.create(
        directory.resolve(TensorStore.SINGLE), ModelLayout.headers(config), METADATA);
  }

  private void writeLatents(
      Path directory, ParameterEncoder.LatentReader source, Optional<SafetensorsWriter> master)
      throws IOException {
    try (SafetensorsWriter model = modelFile(directory);
        ParameterEncoder encoder =
            new ParameterEncoder(
                config, model, master.orElse(null), ParameterEncoder.CHUNK_VALUES)) {
      writeTensors(tensor -> encoder.encode(tensor, source));
      model.commit();
    }
  }

  private void writeTensors(Encoder encoder) throws IOException {
    long parameters = 0;
    for (TensorSpec tensor : config.tensors()) {
      encoder.encode(tensor);
      parameters += tensor.count();
      progress.accept(parameters);
    }
  }

  private void writeIndex(Path file) throws IOException {
    ObjectNode root = JsonFile.MAPPER.createObjectNode();
    root.putObject("metadata").put("total_size", ModelLayout.nominalBytes(config));
    ObjectNode map = root.putObject("weight_map");
    for (TensorHeader header : ModelLayout.headers(config)) {
      map.put(header.name(), TensorStore.SINGLE);
    }
    JsonFile.write(file, root);
  }
}
