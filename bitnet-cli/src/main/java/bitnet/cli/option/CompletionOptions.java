package bitnet.cli.option;

import bitnet.generation.GenerationSettings;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Options of commands that write text for a reader.
public final class CompletionOptions {
  private static final int MAX_LENGTH = 128;
  private static final double TEMPERATURE = 0.8;

  @Mixin private SamplingOptions sampling = new SamplingOptions(MAX_LENGTH, TEMPERATURE);

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "S",
      description = "Random seed; the same seed gives the same text (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(names = "--stats", description = "Print timings and speeds to standard error.")
  private boolean stats;

  private CompletionOptions() {}

  public GenerationSettings settings() {
    return sampling.settings(seed);
  }

  public boolean stats() {
    return stats;
  }
}
