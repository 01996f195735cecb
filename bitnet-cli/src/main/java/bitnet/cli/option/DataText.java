package bitnet.cli.option;

/// What options of datasets have in common.
public final class DataText {
  /// In which forms data can be.
  public static final String FORMS =
      "May be compressed (.gz, .zst), Parquet, a directory of shards or a pattern with *."
          + " Read once: a file or a pipe.";

  private DataText() {}
}
