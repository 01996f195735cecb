package bitnet.cli.commands;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `bitnet bench`: measurements of this machine, each with its limit.
@Command(
    name = "bench",
    description = "Measure speed on this machine.",
    subcommands = {BenchTrain.class, BenchInfer.class, BenchGrpo.class, BenchServe.class})
public final class Bench implements Runnable {
  @Spec private CommandSpec spec;

  private Bench() {}

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "say what to measure: bench train, bench infer, bench grpo or bench serve");
  }
}
