package bitnet.format.safetensors;

import bitnet.format.CheckpointException;
import bitnet.format.JsonFile;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// `model.safetensors.index.json`: which shard holds which tensor.
///
/// @param file the index file
/// @param shardOf plain file names by tensor name
record ShardIndex(Path file, Map<String, String> shardOf) {
  private static final long LARGEST = 32 << 20;
  private static final int MOST_SHARDS = 10_000;
  // A plain name: no separator of any system, no drive, not hidden.
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}");

  static ShardIndex read(Path file) throws IOException {
    JsonNode map = JsonFile.read(file, LARGEST).get("weight_map");
    if (map == null || !map.isObject()) {
      throw new CheckpointException(file, "has no object \"weight_map\"");
    }
    Map<String, String> shardOf = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      if (!entry.getValue().isTextual()) {
        throw CheckpointException.ofTensor(
            file, entry.getKey(), "its weight_map entry is not the name of a file");
      }
      String shard = entry.getValue().textValue();
      if (!PLAIN.matcher(shard).matches() || !shard.endsWith(".safetensors")) {
        throw CheckpointException.ofTensor(
            file,
            entry.getKey(),
            "shard \"%s\" is not the plain name of a .safetensors file in this directory"
                .formatted(CheckpointException.quote(shard)));
      }
      shardOf.put(entry.getKey(), shard);
    }
    ShardIndex index = new ShardIndex(file, shardOf);
    if (index.files().size() > MOST_SHARDS) {
      throw new CheckpointException(file, "names more than %d shards".formatted(MOST_SHARDS));
    }
    return index;
  }

  /// The names of the shards, each once; `model.safetensors` if the map is empty.
  List<String> files() {
    return shardOf.isEmpty()
        ? List.of(TensorStore.SINGLE)
        : new ArrayList<>(new LinkedHashSet<>(shardOf.values()));
  }

  /// Checks that every tensor is in the shard that the index says.
  void check(Map<String, SafetensorsFile> actual) throws CheckpointException {
    for (Map.Entry<String, String> entry : shardOf.entrySet()) {
      SafetensorsFile shard = actual.get(entry.getKey());
      if (shard == null || !shard.path().endsWith(entry.getValue())) {
        throw CheckpointException.ofTensor(
            file, entry.getKey(), "is not in %s as the index says".formatted(entry.getValue()));
      }
    }
  }
}
