package bitnet.cli.output;

import java.io.Console;
import java.util.Optional;

/// Where the output goes.
public final class Terminal {

  private Terminal() {}

  /// Whether somebody watches: then a progress bar is shown, else plain lines.
  public static boolean isInteractive() {
    return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
  }
}
