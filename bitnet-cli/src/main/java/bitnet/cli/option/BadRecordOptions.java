package bitnet.cli.option;

import bitnet.data.BadRecordPolicy;
import picocli.CommandLine.Option;

/// What becomes of records that cannot be used.
public final class BadRecordOptions {
  @Option(
      names = "--on_bad_record",
      defaultValue = "stop",
      paramLabel = "P",
      description =
          "What to do with a malformed record: stop before any work starts, or skip and count it"
              + " (default: ${DEFAULT-VALUE}).")
  private String policy;

  private BadRecordOptions() {}

  /// The policy.
  ///
  /// @throws IllegalArgumentException if its name is unknown
  public BadRecordPolicy policy() {
    return BadRecordPolicy.of(policy);
  }
}
