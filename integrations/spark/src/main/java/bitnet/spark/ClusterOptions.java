package bitnet.spark;

import bitnet.cli.commands.Spark;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options of all commands that use a cluster.
final class ClusterOptions {
  /// For commands that can do without a cluster.
  private static final String NONE = "none";

  private static final String SUBMITTED_TO = "spark.master"; // set by spark-submit
  private static final String ALL_CORES = "local[*]";

  @Option(
      names = "--master",
      paramLabel = "M",
      description =
          "Spark master: local[N] (N tasks at a time in this process; *: one per core),"
              + " spark://HOST:7077, yarn or k8s://URL; train-ce also none (one worker after the"
              + " other in this process, without Spark) (default: that of spark-submit, else"
              + " local[*]).")
  private @Nullable String master;

  @Option(
      names = "--conf",
      paramLabel = "KEY=VALUE",
      description =
          "Setting of Spark, for example spark.executor.memory=8g; may be repeated (default:"
              + " those of Spark).")
  private Map<String, String> settings = new LinkedHashMap<>();

  private ClusterOptions() {}

  /// Whether tasks run one after the other in this process, without Spark (`--master none`).
  ///
  /// @throws IllegalArgumentException if the master is neither that nor one of Spark's
  boolean isSequential() {
    if (NONE.equals(master)) {
      return true;
    }
    Master _ = master();
    return false;
  }

  /// The master, whose form has been checked.
  Master master() {
    return new Master(master == null ? System.getProperty(SUBMITTED_TO, ALL_CORES) : master);
  }

  /// Looks for Spark, which the jar of this module does not bring.
  ///
  /// @throws IOException if it is not there
  static void requireSpark() throws IOException {
    try {
      Class.forName("org.apache.spark.SparkConf", false, ClusterOptions.class.getClassLoader());
    } catch (ClassNotFoundException missing) {
      throw new IOException(Spark.MISSING, missing);
    }
  }

  /// Settings of Spark by their names.
  ///
  /// @throws IllegalArgumentException if a name is none of Spark's
  Map<String, String> settings() {
    for (String name : settings.keySet()) {
      if (!name.startsWith("spark.")) {
        throw new IllegalArgumentException(
            "--conf %s is not a setting of Spark, whose names begin with spark.; correct it"
                .formatted(name));
      }
    }
    return settings;
  }
}
