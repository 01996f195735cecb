package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// One moment of a training run on disk: fp32 tensors by name and a JSON state, in a directory
/// that appears complete or not at all. `<run>/checkpoints/step-00000100` is one.
public final class TrainingCheckpoint implements AutoCloseable {

  private static final TensorDirectory FILES =
      new TensorDirectory("state.safetensors", "state.json");
  private static final Pattern NAME = Pattern.compile("step-(\\d{8,})");

  private static final Pattern UNFINISHED = Pattern.compile("step-\\d{8,}\\.(part|lock)");

  private final TensorDirectory.Content content;

  private TrainingCheckpoint(TensorDirectory.Content content) {
    this.content = content;
  }

  /// Writes the checkpoint of a step and deletes all but the newest ones.
  ///
  /// @param directory of the run's checkpoints; made if it is not there
  /// @param step steps done
  /// @param tensors fp32 values, native byte order
  /// @param state everything else that a resumed run needs
  /// @param keep how many checkpoints stay, at least 1
  /// @return where it is
  public static Path write(
      Path directory, long step, Map<String, MemorySegment> tensors, ObjectNode state, int keep)
      throws IOException {
    Path target = directory.resolve(name(step));
    FILES.write(target, tensors, state, ModelDirectory.Existing.REPLACE);
    prune(directory, keep);
    return target;
  }

  /// The directory name of a step's checkpoint.
  public static String name(long step) {
    return "step-%08d".formatted(step);
  }

  /// The step of a checkpoint, from its directory name.
  ///
  /// @throws IllegalArgumentException if it is not the name of a checkpoint
  public static long step(Path path) {
    Matcher name = NAME.matcher(String.valueOf(path.getFileName()));
    if (!name.matches()) {
      throw new IllegalArgumentException(
          "%s is not a checkpoint; checkpoints are named %s".formatted(path, name(100)));
    }
    return Long.parseLong(name.group(1));
  }

  private static void prune(Path directory, int keep) throws IOException {
    List<Path> newestFirst = list(directory).reversed();
    for (Path old : newestFirst.subList(Math.min(keep, newestFirst.size()), newestFirst.size())) {
      // without its manifest it is no checkpoint any more, whatever happens next
      Files.deleteIfExists(old.resolve(DirectoryManifest.NAME));
      AtomicDirectory.delete(old);
    }
  }

  /// Deletes what killed processes left half written or half deleted. Only who has the lock of
  /// the run may do this.
  ///
  /// @param directory of the run's checkpoints
  public static void sweep(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (Stream<Path> entries = Files.list(directory)) {
      for (Path entry : entries.toList()) {
        String name = entry.getFileName().toString();
        if (UNFINISHED.matcher(name).matches()
            || (NAME.matcher(name).matches()
                && !Files.exists(entry.resolve(DirectoryManifest.NAME)))) {
          AtomicDirectory.delete(entry);
        }
      }
    }
  }

  /// The newest complete checkpoint of a run.
  ///
  /// @param directory of the run's checkpoints
  public static Optional<Path> latest(Path directory) throws IOException {
    List<Path> all = list(directory);
    return all.isEmpty() ? Optional.empty() : Optional.of(all.getLast());
  }

  /// Complete checkpoints, oldest first.
  private static List<Path> list(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(directory)) {
      return entries
          .filter(path -> NAME.matcher(path.getFileName().toString()).matches())
          .filter(path -> Files.exists(path.resolve(DirectoryManifest.NAME)))
          .sorted(Comparator.comparing(path -> path.getFileName().toString()))
          .toList();
    }
  }

  /// Opens a checkpoint and checks the hash of every file.
  ///
  /// @throws CheckpointException if it is incomplete or damaged
  public static TrainingCheckpoint open(Path path) throws IOException {
    return new TrainingCheckpoint(FILES.open(path));
  }

  /// The bytes of every tensor, as fp32, by name.
  public SequencedMap<String, Long> tensors() {
    SequencedMap<String, Long> bytes = new LinkedHashMap<>();
    content.entries().forEach(entry -> bytes.put(entry.name(), entry.count() * Float.BYTES));
    return bytes;
  }

  /// Everything but the tensors.
  public ObjectNode state() {
    return content.description();
  }

  /// Reads a tensor.
  ///
  /// @param target room for exactly its floats
  /// @throws CheckpointException if it is missing or of another size
  public void read(String name, MemorySegment target) throws IOException {
    content.read(name, target);
  }

  @Override
  public void close() {
    content.close();
  }
}
