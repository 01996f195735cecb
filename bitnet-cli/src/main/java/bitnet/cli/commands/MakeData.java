package bitnet.cli.commands;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `bitnet make-data`: training data from nothing.
@Command(
    name = "make-data",
    description = "Generate datasets of questions with answers.",
    subcommands = MakeArithmetic.class)
public final class MakeData implements Runnable {
  @Spec private CommandSpec spec;

  private MakeData() {}

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "say what to make: make-data arithmetic");
  }
}
