package bitnet.spark;

import java.io.IOException;

/// A task that another attempt would not do either: a file that an executor does not see, other
/// files than the driver's, training that has diverged.
final class TaskRefusal extends IOException {
  private static final long serialVersionUID = 1;

  /// @param message one line: what, where, and a remedy
  TaskRefusal(String message) {
    super(message);
  }
}
