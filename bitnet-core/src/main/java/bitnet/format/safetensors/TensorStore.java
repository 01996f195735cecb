package bitnet.format.safetensors;

import bitnet.format.CheckpointException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The tensors of a directory: one `model.safetensors`, or the shards that
/// `model.safetensors.index.json` names. All files are validated when the store is opened.
///
/// Segments from [#data] are valid until [#close]; several threads may read at once.
public final class TensorStore implements AutoCloseable {
  public static final String SINGLE = "model.safetensors";
  public static final String INDEX = "model.safetensors.index.json";

  private final Path directory;
  private final List<SafetensorsFile> files;
  private final List<TensorEntry> entries = new ArrayList<>();
  private final Map<String, SafetensorsFile> fileOf = new HashMap<>();

  private TensorStore(Path directory, List<SafetensorsFile> files) throws CheckpointException {
    this.directory = directory;
    this.files = files;
    for (SafetensorsFile file : files) {
      for (TensorEntry entry : file.entries()) {
        SafetensorsFile other = fileOf.put(entry.name(), file);
        if (other != null) {
          throw CheckpointException.ofTensor(
              file.path(), entry.name(), "is in " + other.path().getFileName() + " as well");
        }
        entries.add(entry);
      }
    }
  }

  /// Opens the tensors of a directory. The index decides if there is one.
  ///
  /// @throws NoSuchFileException if the directory or its `model.safetensors` is missing
  /// @throws CheckpointException if a file is invalid, the index and its shards disagree, or a
  ///     shard lies outside the directory
  public static TensorStore open(Path directory) throws IOException {
    Path index = directory.resolve(INDEX);
    if (!Files.exists(index)) {
      return open(directory, List.of(SINGLE));
    }
    ShardIndex shards = ShardIndex.read(index);
    TensorStore store = open(directory, shards.files());
    try {
      shards.check(store.fileOf);
      return store;
    } catch (CheckpointException failure) {
      store.close();
      throw failure;
    }
  }

  private static TensorStore open(Path directory, List<String> names) throws IOException {
    List<SafetensorsFile> files = new ArrayList<>();
    try {
      for (String name : names) {
        files.add(SafetensorsFile.open(inside(directory, name)));
      }
      return new TensorStore(directory, List.copyOf(files));
    } catch (IOException | RuntimeException failure) {
      files.forEach(SafetensorsFile::close);
      throw failure;
    }
  }

  /// A file of the directory, refused if it is a link to somewhere else. Hugging Face's download
  /// cache links `snapshots/<revision>/<file>` to `blobs/<hash>` next to `snapshots`: that is
  /// allowed.
  public static Path inside(Path directory, String name) throws IOException {
    Path file = directory.resolve(name);
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    Path home = directory.toRealPath();
    Path target = file.toRealPath();
    Path snapshots = home.getParent();
    boolean cached =
        snapshots != null
            && snapshots.endsWith("snapshots")
            && target.startsWith(snapshots.resolveSibling("blobs"));
    if (!target.startsWith(home) && !cached) {
      throw new CheckpointException(
          file, "is a link out of its directory, to %s; copy the file here".formatted(target));
    }
    return file;
  }

  /// The directory of the files.
  public Path directory() {
    return directory;
  }

  /// Every tensor, file after file, in the order of the data.
  public List<TensorEntry> entries() {
    return List.copyOf(entries);
  }

  /// The file that holds a tensor; the directory if none does.
  public Path fileOf(String name) {
    SafetensorsFile file = fileOf.get(name);
    return file == null ? directory : file.path();
  }

  /// The tensor of that name, if there is one.
  public Optional<TensorEntry> find(String name) {
    return Optional.ofNullable(fileOf.get(name)).flatMap(file -> file.find(name));
  }

  /// The tensor of that name.
  ///
  /// @throws CheckpointException naming directory and tensor, if the tensor does not exist
  public TensorEntry require(String name) throws CheckpointException {
    return find(name)
        .orElseThrow(
            () ->
                CheckpointException.ofTensor(
                    files.size() == 1 ? files.getFirst().path() : directory,
                    name,
                    "is missing; there are %d other tensors".formatted(entries.size())));
  }

  /// The bytes of a tensor, as [SafetensorsFile#data].
  public MemorySegment data(TensorEntry entry) {
    return file(entry).data(entry);
  }

  /// Reads a floating-point tensor as fp32, as [SafetensorsFile#readFloats].
  public void readFloats(TensorEntry entry, MemorySegment target) throws CheckpointException {
    file(entry).readFloats(entry, target);
  }

  /// Reads rows of a floating-point tensor as fp32, as [SafetensorsFile#readFloats].
  public void readFloats(TensorEntry entry, long firstRow, long rows, MemorySegment target)
      throws CheckpointException {
    file(entry).readFloats(entry, firstRow, rows, target);
  }

  /// Reads whole rows of a floating-point tensor as fp32, as [SafetensorsFile#readValues].
  public void readValues(TensorEntry entry, long first, MemorySegment target)
      throws CheckpointException {
    file(entry).readValues(entry, first, target);
  }

  /// Reads a small floating-point tensor as an array of fp32.
  public float[] readFloats(TensorEntry entry) throws CheckpointException {
    return file(entry).readFloats(entry);
  }

  private SafetensorsFile file(TensorEntry entry) {
    SafetensorsFile file = fileOf.get(entry.name());
    if (file == null) {
      throw new IllegalArgumentException("%s is not a tensor of %s".formatted(entry, directory));
    }
    return file;
  }

  /// Lets go of the pages that were read; read again, they come back.
  public void unload() {
    files.forEach(SafetensorsFile::unload);
  }

  /// Unmaps every file; segments of them must not be used any more.
  @Override
  public void close() {
    files.forEach(SafetensorsFile::close);
  }
}
