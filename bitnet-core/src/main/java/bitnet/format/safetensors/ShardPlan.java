package bitnet.format.safetensors;

import bitnet.format.JsonFile;
import bitnet.format.TensorHeader;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Which tensor goes into which file: one `model.safetensors`, or as many shards as the size asks
/// for. What stores one parameter stays together.
///
/// @param shards the files, in order
public record ShardPlan(List<Shard> shards) {
  public static final Map<String, String> METADATA = Map.of("format", "pt");

  /// One file.
  ///
  /// @param name its name
  /// @param tensors what it holds
  /// @param names their names
  public record Shard(String name, List<TensorHeader> tensors, Set<String> names) {
    Shard(String name, List<TensorHeader> tensors) {
      this(
          name,
          List.copyOf(tensors),
          tensors.stream().map(TensorHeader::name).collect(Collectors.toSet()));
    }

    public boolean holds(String tensor) {
      return names.contains(tensor);
    }
  }

  /// Fills file after file.
  ///
  /// @param parts the tensors of each parameter
  /// @param shardBytes the most data of a file; a larger parameter gets one of its own
  public static ShardPlan of(List<List<TensorHeader>> parts, long shardBytes) {
    List<List<TensorHeader>> files = new ArrayList<>();
    List<TensorHeader> file = new ArrayList<>();
    long bytes = 0;
    for (List<TensorHeader> part : parts) {
      long size = part.stream().mapToLong(TensorHeader::bytes).sum();
      if (bytes + size > shardBytes && !file.isEmpty()) {
        files.add(file);
        file = new ArrayList<>();
        bytes = 0;
      }
      file.addAll(part);
      bytes += size;
    }
    files.add(file);
    List<Shard> shards = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) {
      String name =
          files.size() == 1
              ? TensorStore.SINGLE
              : "model-%05d-of-%05d.safetensors".formatted(i + 1, files.size());
      shards.add(new Shard(name, files.get(i)));
    }
    return new ShardPlan(List.copyOf(shards));
  }

  /// The size of all tensors.
  public long dataBytes() {
    return shards.stream()
        .flatMap(shard -> shard.tensors().stream())
        .mapToLong(TensorHeader::bytes)
        .sum();
  }

  /// Writes `model.safetensors.index.json` if there are several files.
  public void writeIndex(Path directory) throws IOException {
    if (shards.size() == 1) {
      return;
    }
    ObjectNode root = JsonFile.MAPPER.createObjectNode();
    root.putObject("metadata").put("total_size", dataBytes());
    ObjectNode map = root.putObject("weight_map");
    for (Shard shard : shards) {
      shard.tensors().forEach(tensor -> map.put(tensor.name(), shard.name()));
    }
    JsonFile.write(directory.resolve(TensorStore.INDEX), root);
  }
}
