package bitnet.spark;

import java.io.IOException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A cluster that is connected to when everything else is known to be right.
final class LateCluster implements AutoCloseable {
  private final ClusterOptions options;
  private final String name;
  private final Consumer<String> say;
  private @Nullable Cluster connected;

  /// @param name of the application
  /// @param say hears of executors that come and go
  LateCluster(ClusterOptions options, String name, Consumer<String> say) {
    this.options = options;
    this.name = name;
    this.say = say;
  }

  /// The cluster, connected to.
  ///
  /// @throws IOException if nobody answers
  Cluster cluster() throws IOException {
    if (connected == null) {
      connected = Cluster.connect(options, name, say);
    }
    return connected;
  }

  /// Disconnects, and closes what tasks in this JVM have opened.
  @Override
  public void close() throws IOException {
    if (connected != null) {
      connected.close();
    }
    ExecutorWorkers.clear();
    ExecutorRollouts.clear();
  }
}
