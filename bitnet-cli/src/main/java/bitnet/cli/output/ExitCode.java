package bitnet.cli.output;

/// The exit codes of the `bitnet` command.
public final class ExitCode {
  /// The command did what it was asked.
  public static final int OK = 0;

  /// Something went wrong while it ran: a damaged file, a full disk, a diverging run.
  public static final int FAILURE = 1;

  /// The command line, a config file or the input data is wrong.
  public static final int USAGE = 2;

  /// Stopped by Ctrl-C or SIGTERM after saving.
  public static final int INTERRUPTED = 130;

  /// The reader of standard output has ended, for example `head`: as after SIGPIPE.
  public static final int READER_GONE = 141;

  private ExitCode() {}
}
