package bitnet.spark;

import bitnet.corpus.ShardPlan;
import bitnet.data.ShardManifest;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/// Puts a shard together.
///
/// @param parts the directory of the parts
/// @param target the directory of the shards
record ShardTask(ShardPlan plan, String parts, String target)
    implements ClusterTask<ShardManifest.Shard> {

  @Override
  public ShardManifest.Shard run() throws IOException {
    try {
      return plan.write(Path.of(parts), Path.of(target));
    } catch (NoSuchFileException unseen) {
      throw ScanTask.refusal(unseen);
    }
  }
}
