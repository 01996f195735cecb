package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.JsonFile;
import bitnet.storage.ContentDigest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// `manifest.json`, the last file of a directory to be written: the size and the SHA-256 of every
/// other one. A directory without it is not complete.
///
/// @param directory the directory
/// @param files size and hash by plain file name
record DirectoryManifest(Path directory, SortedMap<String, Seal> files) {
  static final String NAME = "manifest.json";

  private static final int VERSION = 1;
  private static final long LARGEST = 1_000_000;
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}");
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");

  /// The size and the hash of a file.
  record Seal(long bytes, String sha256) {}

  DirectoryManifest {
    files = Collections.unmodifiableSortedMap(new TreeMap<>(files));
  }

  /// Hashes every file of a directory and writes the manifest.
  static void seal(Path directory) throws IOException {
    ObjectNode root = JsonFile.MAPPER.createObjectNode().put("format_version", VERSION);
    ObjectNode files = root.putObject("files");
    try (Stream<Path> listing = Files.list(directory)) {
      for (Path file : listing.sorted().toList()) {
        files
            .putObject(file.getFileName().toString())
            .put("bytes", Files.size(file))
            .put("sha256", ContentDigest.sha256(file));
      }
    }
    JsonFile.write(directory.resolve(NAME), root);
  }

  /// Reads the manifest and compares the sizes with those of the files.
  ///
  /// @throws NoSuchFileException if the directory or a file is missing
  /// @throws CheckpointException if the directory is incomplete or a file has another size
  static DirectoryManifest open(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      throw new NoSuchFileException(directory.toString());
    }
    Path file = directory.resolve(NAME);
    if (!Files.exists(file)) {
      throw new CheckpointException(
          directory,
          "has no %s, so the model directory is incomplete; make one with `bitnet create-model`"
              .formatted(NAME));
    }
    DirectoryManifest manifest = new DirectoryManifest(directory, parse(file));
    for (Map.Entry<String, Seal> entry : manifest.files.entrySet()) {
      Path sealed = directory.resolve(entry.getKey());
      if (!Files.exists(sealed)) {
        throw new CheckpointException(sealed, "is missing, but %s lists it".formatted(NAME));
      }
      long bytes = Files.size(sealed);
      if (bytes != entry.getValue().bytes()) {
        throw new CheckpointException(
            sealed,
            "has %d bytes, but %s says %d; the file is truncated or was changed"
                .formatted(bytes, NAME, entry.getValue().bytes()));
      }
    }
    return manifest;
  }

  private static SortedMap<String, Seal> parse(Path file) throws IOException {
    ObjectNode root = JsonFile.read(file, LARGEST);
    JsonNode version = root.path("format_version");
    if (!version.isInt() || version.intValue() != VERSION) {
      throw new CheckpointException(
          file,
          "format_version is %s; this program reads %d"
              .formatted(CheckpointException.quote(version.toString()), VERSION));
    }
    if (!root.path("files").isObject()) {
      throw new CheckpointException(file, "has no object \"files\"");
    }
    SortedMap<String, Seal> files = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : root.path("files").properties()) {
      JsonNode bytes = entry.getValue().path("bytes");
      String hash = entry.getValue().path("sha256").asText();
      if (!PLAIN.matcher(entry.getKey()).matches()
          || !bytes.canConvertToLong()
          || !bytes.isIntegralNumber()
          || !HASH.matcher(hash).matches()) {
        throw new CheckpointException(
            file,
            "entry \"%s\" is not a plain file name with bytes and sha256"
                .formatted(CheckpointException.quote(entry.getKey())));
      }
      files.put(entry.getKey(), new Seal(bytes.longValue(), hash));
    }
    return files;
  }

  /// Compares every file's hash.
  ///
  /// @throws CheckpointException naming the first file whose content was changed
  void verify() throws IOException {
    for (Map.Entry<String, Seal> entry : files.entrySet()) {
      Path file = directory.resolve(entry.getKey());
      if (!ContentDigest.sha256(file).equals(entry.getValue().sha256())) {
        throw new CheckpointException(
            file, "its SHA-256 is not the one in %s; the file is damaged".formatted(NAME));
      }
    }
  }
}
