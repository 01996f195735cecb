package bitnet.cli.output;

import java.io.IOException;
import java.util.Locale;

/// Standard output could not be written: it ends the command, since nobody gets the result.
public final class OutputFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean readerGone;

  OutputFailure(IOException cause) {
    super("standard output cannot be written: " + cause.getMessage(), cause);
    String reason = String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT);
    this.readerGone =
        reason.contains("broken pipe")
            || reason.contains("connection reset")
            || reason.contains("pipe is being closed")
            || reason.contains("pipe has been ended");
  }

  /// Whether the process that read the output has ended, which is its right: `| head` does.
  public boolean readerGone() {
    return readerGone;
  }
}
