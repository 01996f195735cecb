package bitnet.spark;

import java.time.Duration;

/// Ends a process in which nothing goes on any more: Spark has no limit on the time of a task, and
/// a native call that hangs cannot be interrupted. Another executor then repeats the task.
final class Watchdog implements AutoCloseable {
  private static final int EXIT_CODE = 70;

  private final Duration limit;
  private final Runnable end;
  private final Thread thread;
  private volatile long last = System.nanoTime();

  /// Starts watching.
  ///
  /// @param limit between two beats; zero: for ever
  /// @param end what to do where it is exceeded
  Watchdog(Duration limit, Runnable end) {
    this.limit = limit;
    this.end = end;
    this.thread = Thread.ofPlatform().daemon().name("watchdog").unstarted(this::watch);
    if (!limit.isZero()) {
      thread.start();
    }
  }

  /// Watches with the end of this process.
  static Watchdog ofProcess(Duration limit) {
    return new Watchdog(
        limit,
        () -> {
          System.err.printf(
              "bitnet: no training step has ended within %d s; this process ends, so that another"
                  + " one can repeat the task%n",
              limit.toSeconds());
          Runtime.getRuntime().halt(EXIT_CODE);
        });
  }

  private void watch() {
    try {
      for (long left = limit.toNanos();
          left > 0;
          left = last + limit.toNanos() - System.nanoTime()) {
        Thread.sleep(Duration.ofNanos(left));
      }
      end.run();
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    }
  }

  /// Something was done.
  void beat() {
    last = System.nanoTime();
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
