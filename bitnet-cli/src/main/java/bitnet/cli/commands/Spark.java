package bitnet.cli.commands;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Unmatched;

/// `bitnet spark` where the module `integrations/spark` is not on the class path.
@Command(name = Spark.NAME, description = Spark.DESCRIPTION)
public final class Spark implements Callable<Integer> {
  /// The name of the command, here and in the module.
  public static final String NAME = "spark";

  /// Its line in the list of commands.
  public static final String DESCRIPTION =
      "Evaluate, train and tokenize on Apache Spark, on this machine or on a cluster.";

  /// What to do without it.
  public static final String MISSING =
      "Apache Spark is not on the class path; run scripts/bitnet of a checkout, which fetches it,"
          + " or set BITNET_CLASS_PATH to bitnet-spark.jar and the jars of Spark 4.2, separated by"
          + " colons";

  @SuppressWarnings("unused") // whatever was asked for, the answer is the same
  @Unmatched
  private List<String> rest = new ArrayList<>(); // picocli adds to it

  private Spark() {}

  @Override
  public Integer call() throws IOException {
    throw new IOException(MISSING);
  }
}
