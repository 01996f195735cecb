package bitnet.spark;

import bitnet.cli.CommandProvider;
import bitnet.cli.commands.Spark;

/// Gives the `bitnet` command its `spark`.
public final class SparkCommandProvider implements CommandProvider {

  /// For `ServiceLoader`.
  public SparkCommandProvider() {}

  @Override
  public String name() {
    return Spark.NAME;
  }

  @Override
  public Class<?> command() {
    return SparkCommand.class;
  }
}
