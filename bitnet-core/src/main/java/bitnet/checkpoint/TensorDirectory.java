package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.JsonFile;
import bitnet.format.TensorHeader;
import bitnet.format.safetensors.SafetensorsFile;
import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.format.safetensors.TensorEntry;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// A directory of a safetensors file and a JSON description, which appears complete or not at all:
/// how small models and checkpoints are kept.
///
/// @param tensors the name of the safetensors file
/// @param description the name of the JSON file
public record TensorDirectory(String tensors, String description) {
  private static final long LARGEST = 16 << 20;

  /// What a directory holds.
  public static final class Content implements AutoCloseable {
    private final SafetensorsFile tensors;
    private final ObjectNode description;

    private Content(SafetensorsFile tensors, ObjectNode description) {
      this.tensors = tensors;
      this.description = description;
    }

    /// The JSON description.
    public ObjectNode description() {
      return description.deepCopy();
    }

    /// Every tensor.
    public List<TensorEntry> entries() {
      return tensors.entries();
    }

    /// Reads a tensor.
    ///
    /// @param target room for exactly its floats
    /// @throws CheckpointException if it is missing or of another size
    public void read(String name, MemorySegment target) throws IOException {
      TensorEntry entry = tensors.require(name);
      if (entry.count() * Float.BYTES != target.byteSize()) {
        throw CheckpointException.ofTensor(
            tensors.path(),
            name,
            "has %d values, but the model has %d; use the files of one model"
                .formatted(entry.count(), target.byteSize() / Float.BYTES));
      }
      tensors.readFloats(entry, target);
    }

    @Override
    public void close() {
      tensors.close();
    }
  }

  /// Writes a directory.
  ///
  /// @param target the directory
  /// @param values fp32 tensors by name, native byte order
  /// @param text everything else
  /// @param existing what to do with one that is at the target
  /// @throws IllegalArgumentException if the target exists and may not be replaced
  public void write(
      Path target,
      Map<String, MemorySegment> values,
      ObjectNode text,
      ModelDirectory.Existing existing)
      throws IOException {
    long bytes = values.values().stream().mapToLong(MemorySegment::byteSize).sum();
    try (AtomicDirectory part = AtomicDirectory.create(target, existing, bytes)) {
      List<TensorHeader> headers =
          values.entrySet().stream()
              .map(
                  entry ->
                      TensorHeader.of(
                          entry.getKey(), DType.F32, entry.getValue().byteSize() / Float.BYTES))
              .toList();
      try (SafetensorsWriter writer =
          SafetensorsWriter.create(part.path().resolve(tensors), headers, Map.of())) {
        for (Map.Entry<String, MemorySegment> entry : values.entrySet()) {
          writer.writeFloats(entry.getKey(), entry.getValue());
        }
        writer.commit();
      }
      JsonFile.write(part.path().resolve(description), text);
      part.commit(existing);
    }
  }

  /// Opens a directory and checks the hash of every file.
  ///
  /// @throws CheckpointException if it is incomplete or damaged
  public Content open(Path path) throws IOException {
    DirectoryManifest.open(path).verify();
    ObjectNode text = JsonFile.read(path.resolve(description), LARGEST);
    return new Content(SafetensorsFile.open(path.resolve(tensors)), text);
  }
}
