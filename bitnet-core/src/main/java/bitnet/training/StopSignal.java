package bitnet.training;

import java.util.concurrent.CountDownLatch;

/// Ctrl-C and SIGTERM as a question to ask between steps: while it is open, the JVM waits with its
/// exit until the trainer has saved and closed it.
///
/// ```java
/// try (StopSignal stop = StopSignal.install()) {
///   while (step < steps && !stop.requested()) { ... }
///   save();
/// }
/// ```
///
/// The JVM's exit code is then 130 (Ctrl-C) or 143 (SIGTERM), whatever the program returns.
public final class StopSignal implements AutoCloseable {
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread hook = new Thread(this::await, "save before exit");
  private volatile boolean requested;

  private StopSignal() {}

  /// Starts listening.
  public static StopSignal install() {
    StopSignal signal = new StopSignal();
    Runtime.getRuntime().addShutdownHook(signal.hook);
    return signal;
  }

  private void await() {
    requested = true;
    try {
      closed.await();
    } catch (InterruptedException interruption) {
      // only another shutdown hook could do this; the JVM then exits without the save
      Thread.currentThread().interrupt();
    }
  }

  /// Whether the run has been asked to stop.
  public boolean requested() {
    return requested;
  }

  /// Stops listening, and lets a JVM that waits exit.
  @Override
  public void close() {
    closed.countDown();
    if (!requested) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException shuttingDown) {
        // the signal came just now; the hook finds the latch open
      }
    }
  }
}
