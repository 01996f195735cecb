package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.TensorHeader;
import bitnet.format.safetensors.SafetensorsFile;
import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.format.safetensors.TensorEntry;
import bitnet.model.AdapterWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryFingerprint;
import bitnet.model.TernaryWeights;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// A LoRA adapter on disk, in PEFT's form: `adapter_config.json` and `adapter_model.safetensors`,
/// whose tensors are named as in a `PeftModel`:
/// `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`.
public final class AdapterDirectory implements AdapterWeights, AutoCloseable {
  private static final String TENSORS = "adapter_model.safetensors";
  private static final String PICKLED = "adapter_model.bin";
  private static final String PREFIX = "base_model.model.";
  private static final String BASE = "bitnet.base"; // the fingerprint, in the file's metadata
  private static final int SMALL_FILES_BYTES = 64 << 10;

  /// The adapter in a run directory.
  public static final String RUN_ADAPTER = "adapter";

  private final Path path;
  private final LoraSettings settings;
  private final String baseName;
  private final SafetensorsFile file;

  private AdapterDirectory(
      Path path, LoraSettings settings, String baseName, SafetensorsFile file) {
    this.path = path;
    this.settings = settings;
    this.baseName = baseName;
    this.file = file;
  }

  /// Opens the adapter of a model.
  ///
  /// @param path a directory in PEFT's form, or a finished training run that holds one
  /// @param base the model that it is for
  /// @throws NoSuchFileException if the path does not exist
  /// @throws CheckpointException if it is not an adapter, or one of another model, or has
  ///     parts that are not supported, saying what was found and what is supported
  public static AdapterDirectory open(Path path, TernaryWeights base) throws IOException {
    Path directory = locate(path);
    AdapterConfig config = AdapterConfig.read(directory.resolve(AdapterConfig.NAME));
    Path tensors = directory.resolve(TENSORS);
    if (!Files.exists(tensors) && Files.exists(directory.resolve(PICKLED))) {
      throw new CheckpointException(
          directory.resolve(PICKLED),
          "is a pickle, which is not read; save the adapter with safe_serialization=True");
    }
    if (!Files.exists(tensors)) {
      throw new NoSuchFileException(tensors.toString());
    }
    AdapterDirectory adapter =
        new AdapterDirectory(
            directory, config.settings(), config.base(), SafetensorsFile.open(tensors));
    try {
      adapter.requireFits(base);
      return adapter;
    } catch (IOException | RuntimeException failure) {
      adapter.close();
      throw failure;
    }
  }

  private static Path locate(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    if (Files.exists(path.resolve(AdapterConfig.NAME))) {
      return path;
    }
    Path inRun = path.resolve(RUN_ADAPTER);
    if (Files.exists(inRun.resolve(AdapterConfig.NAME))) {
      return inRun;
    }
    throw new CheckpointException(
        path,
        "is not an adapter; supported are a directory with %s and %s, as PEFT saves it, and a"
                .formatted(AdapterConfig.NAME, TENSORS)
            + " finished training run with lora_rank");
  }

  private void requireFits(TernaryWeights base) throws IOException {
    LlamaConfig config = base.config();
    Set<String> known = new HashSet<>();
    for (TensorSpec tensor : settings.tensors(config)) {
      known.add(PREFIX + tensor.name());
      TensorEntry entry = file.require(PREFIX + tensor.name());
      if (!entry.hasShape(tensor.shape())) {
        throw CheckpointException.ofTensor(
            file.path(),
            entry.name(),
            "has shape %s, but the model needs %s; it is the adapter of another model"
                .formatted(entry.shape(), Arrays.toString(tensor.shape())));
      }
    }
    for (TensorEntry entry : file.entries()) {
      if (!known.contains(entry.name())) {
        throw CheckpointException.ofTensor(
            file.path(),
            entry.name(),
            "belongs to no target of this model; it is the adapter of another model");
      }
    }
    if (!base().isEmpty() && !base().equals(TernaryFingerprint.of(base))) {
      throw new CheckpointException(
          file.path(),
          "was trained on a base with other trits than this model's; use that base (%s)"
              .formatted(baseName));
    }
  }

  /// Writes an adapter, in place of one that is there.
  ///
  /// @param config of the model that it was trained on
  /// @param baseName where that is, for people and PEFT
  public static void write(Path target, AdapterWeights adapter, LlamaConfig config, String baseName)
      throws IOException {
    LoraSettings settings = adapter.settings();
    List<TensorSpec> tensors = settings.tensors(config);
    long bytes = settings.parameterCount(config) * Float.BYTES + SMALL_FILES_BYTES;
    ModelDirectory.Existing existing = ModelDirectory.Existing.REPLACE;
    try (AtomicDirectory directory = AtomicDirectory.create(target, existing, bytes)) {
      Path path = directory.path();
      new AdapterConfig(settings, baseName).write(path.resolve(AdapterConfig.NAME));
      List<TensorHeader> headers =
          tensors.stream()
              .map(spec -> TensorHeader.of(PREFIX + spec.name(), DType.F32, spec.shape()))
              .toList();
      Map<String, String> metadata = new LinkedHashMap<>(); // Map.of would vary the order
      metadata.put("format", "pt");
      metadata.put(BASE, adapter.base());
      try (SafetensorsWriter writer =
          SafetensorsWriter.create(path.resolve(TENSORS), headers, metadata)) {
        for (TensorSpec tensor : tensors) {
          try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(tensor.count() * Float.BYTES, Float.BYTES);
            adapter.read(tensor, values);
            writer.writeFloats(PREFIX + tensor.name(), values);
          }
        }
        writer.commit();
      }
      directory.commit(existing);
    }
  }

  /// Where its files are.
  Path path() {
    return path;
  }

  @Override
  public LoraSettings settings() {
    return settings;
  }

  @Override
  public String base() {
    return file.metadata().getOrDefault(BASE, "");
  }

  @Override
  public void read(TensorSpec tensor, MemorySegment target) throws IOException {
    file.readFloats(file.require(PREFIX + tensor.name()), target);
  }

  @Override
  public void close() {
    file.close();
  }
}
