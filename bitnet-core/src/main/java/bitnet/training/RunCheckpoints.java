package bitnet.training;

import ai.djl.ndarray.NDArray;
import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.graph.TensorMemory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The checkpoints of one run: weights, moments and the trainer's own state.
///
/// @param <S> the state
public final class RunCheckpoints<S extends RunState> {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /// What the names of weights begin with in a checkpoint.
  static final String LATENT = "latent/";

  private static final String OPTIONS = "options";
  private static final String FORMER_OPTIONS = "fingerprint"; // of version 0.1.0

  private final OptimizerStep optimizer;
  private final Path directory;
  private final int kept;
  private final Class<S> type;
  private @Nullable Path last;

  /// Nothing is read or written yet.
  ///
  /// @param optimizer of the model that is saved, with its weights
  /// @param directory of the run's checkpoints
  /// @param kept how many stay
  /// @param type of the state, which Jackson can read and write
  public RunCheckpoints(OptimizerStep optimizer, Path directory, int kept, Class<S> type) {
    this.optimizer = optimizer;
    this.directory = directory;
    this.kept = kept;
    this.type = type;
  }

  /// Reads tensors of its own out of a checkpoint.
  @FunctionalInterface
  public interface MoreTensors<S> {
    /// Reads them.
    void read(TrainingCheckpoint checkpoint, S state) throws IOException;
  }

  /// Takes over weights and moments of a checkpoint.
  ///
  /// @param options of the run that resumes, which must be the checkpoint's
  /// @param more reads what [#save] was given besides
  /// @return the state in it, with the options of this run
  /// @throws IllegalArgumentException if that run had other options, naming those that differ
  /// @throws IOException if it is missing or damaged
  public S resume(Path checkpoint, OptionValues options, MoreTensors<S> more) throws IOException {
    try (TrainingCheckpoint saved = TrainingCheckpoint.open(checkpoint)) {
      ObjectNode json = saved.state();
      List<String> differences = options.differences(options(checkpoint, json));
      if (!differences.isEmpty()) {
        throw new IllegalArgumentException(
            "%s was made with other options: %s; resume with the same ones"
                .formatted(checkpoint, String.join(", ", differences)));
      }
      json.remove(FORMER_OPTIONS);
      json.set(OPTIONS, MAPPER.valueToTree(options.values()));
      S resumed = read(checkpoint, json);
      for (OptimizerStep.Moments entry : optimizer.moments()) {
        for (Map.Entry<String, NDArray> tensor : entry.tensors().entrySet()) {
          TensorMemory.fill(tensor.getValue(), memory -> saved.read(tensor.getKey(), memory));
        }
      }
      more.read(saved, resumed);
      last = checkpoint;
      return resumed;
    }
  }

  /// Takes over the weights of a checkpoint only.
  void readWeights(TrainingCheckpoint saved) throws IOException {
    for (OptimizerStep.Moments entry : optimizer.moments()) {
      String name = LATENT + entry.parameter().name();
      TensorMemory.fill(entry.parameter().value(), memory -> saved.read(name, memory));
    }
  }

  /// The options of a checkpoint by name, without a check of its files: [#resume] has that, and
  /// says what is wrong where this finds nothing.
  public static Map<String, String> options(Path checkpoint) throws IOException {
    try {
      Path file = checkpoint.resolve("state.json");
      return Files.isRegularFile(file) && MAPPER.readTree(file.toFile()) instanceof ObjectNode json
          ? options(checkpoint, json)
          : Map.of();
    } catch (JsonProcessingException damaged) {
      return Map.of();
    }
  }

  private static Map<String, String> options(Path checkpoint, ObjectNode json) {
    if (json.path(FORMER_OPTIONS).isTextual()) {
      return FormerFingerprint.options(json.path(FORMER_OPTIONS).asText());
    }
    try {
      return MAPPER.convertValue(json.path(OPTIONS), new TypeReference<Map<String, String>>() {});
    } catch (IllegalArgumentException e) {
      throw incompatible(checkpoint, e);
    }
  }

  private S read(Path checkpoint, ObjectNode json) {
    try {
      return MAPPER.treeToValue(json, type);
    } catch (JsonProcessingException e) {
      throw incompatible(checkpoint, e);
    }
  }

  private static IllegalArgumentException incompatible(Path checkpoint, Exception cause) {
    return new IllegalArgumentException(
        "%s: its state.json was written by an incompatible version: %s"
            .formatted(
                checkpoint, String.valueOf(cause.getMessage()).lines().findFirst().orElse("")),
        cause);
  }

  /// Writes the checkpoint of a state.
  ///
  /// @param more tensors of the trainer's own, by name
  /// @return where it is
  public Path save(S state, Map<String, MemorySegment> more) throws IOException {
    Map<String, MemorySegment> tensors = new LinkedHashMap<>();
    for (OptimizerStep.Moments entry : optimizer.moments()) {
      entry.tensors().forEach((name, tensor) -> tensors.put(name, TensorMemory.of(tensor)));
    }
    requireFinite(tensors, state.step());
    tensors.putAll(more);
    Path written =
        TrainingCheckpoint.write(directory, state.step(), tensors, MAPPER.valueToTree(state), kept);
    last = written;
    return written;
  }

  /// A weight that is NaN or infinite stays so: a checkpoint of it could not be resumed.
  private void requireFinite(Map<String, MemorySegment> tensors, long step) {
    for (Map.Entry<String, MemorySegment> tensor : tensors.entrySet()) {
      MemorySegment values = tensor.getValue();
      long count = tensor.getKey().startsWith(LATENT) ? values.byteSize() / Float.BYTES : 0;
      for (long i = 0; i < count; i++) {
        float value = values.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
        if (!Float.isFinite(value)) {
          throw new TrainingException(
              "a weight of %s is %s after step %d: the run has diverged, and nothing is written; use"
                      .formatted(tensor.getKey().substring(LATENT.length()), value, step)
                  + " a lower `lr` or a longer `warmup`"
                  + lastGood());
        }
      }
    }
  }

  /// Whether the state of that step has been saved.
  boolean isSaved(long step) {
    return last != null && last.endsWith(TrainingCheckpoint.name(step));
  }

  /// The last good checkpoint, for the end of a message about a run that failed.
  public String lastGood() {
    return last == null ? "; no checkpoint was made yet" : "; last checkpoint: " + last;
  }
}
