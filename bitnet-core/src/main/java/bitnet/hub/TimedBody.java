package bitnet.hub;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/// The body of an answer. It is closed when it pauses for too long: its reader sees a dropped
/// connection.
final class TimedBody extends FilterInputStream {
  private final Duration longestPause;
  private final Thread watch;
  private volatile long lastByte = System.nanoTime();

  TimedBody(InputStream body, Duration longestPause) {
    super(body);
    this.longestPause = longestPause;
    this.watch = Thread.ofVirtual().unstarted(this::closeStalled);
  }

  /// A body whose pauses are watched from now on.
  static TimedBody watched(InputStream body, Duration longestPause) {
    TimedBody timed = new TimedBody(body, longestPause);
    timed.watch.start();
    return timed;
  }

  private void closeStalled() {
    try {
      while (true) {
        Duration left = longestPause.minus(Duration.ofNanos(System.nanoTime() - lastByte));
        if (left.isNegative() || left.isZero()) {
          in.close();
          return;
        }
        Thread.sleep(left);
      }
    } catch (InterruptedException | IOException ended) {
      return; // its reader has closed it, or the connection has ended
    }
  }

  @Override
  public int read() throws IOException {
    int next = in.read();
    lastByte = System.nanoTime();
    return next;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    int count = in.read(buffer, offset, length);
    lastByte = System.nanoTime();
    return count;
  }

  @Override
  public void close() throws IOException {
    watch.interrupt();
    in.close();
  }
}
