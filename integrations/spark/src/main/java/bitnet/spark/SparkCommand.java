package bitnet.spark;

import bitnet.cli.commands.Spark;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `bitnet spark`: commands that use a cluster.
@Command(
    name = Spark.NAME,
    description = Spark.DESCRIPTION,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      SparkEvaluate.class,
      SparkRolloutsCommand.class,
      SparkTokenize.class,
      SparkTrainCe.class,
      SparkTrainGrpo.class,
      SparkTrainTokenizer.class
    })
public final class SparkCommand implements Runnable {
  @Spec private CommandSpec spec;

  private SparkCommand() {}

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "missing command");
  }
}
