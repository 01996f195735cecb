package bitnet.cli.output;

import bitnet.hub.HubProgress;
import bitnet.storage.PrintableText;
import java.io.PrintWriter;

/// Progress of a download: one line that is redrawn on a terminal, else one line a file.
public final class DownloadOutput implements HubProgress, AutoCloseable {
  private static final long REDRAW_NANOS = 200_000_000;

  private final PrintWriter out;
  private final boolean interactive;
  private String file = "";
  private long firstBytes;
  private long startNanos;
  private long drawnNanos;

  /// Prints to a writer, which stays open.
  public DownloadOutput(PrintWriter out) {
    this(out, Terminal.isInteractive());
  }

  DownloadOutput(PrintWriter out, boolean interactive) {
    this.out = out;
    this.interactive = interactive;
  }

  @Override
  public void advanced(String name, long bytes, long total) {
    long now = System.nanoTime();
    if (!name.equals(file)) {
      endLine();
      file = name;
      firstBytes = bytes;
      startNanos = now;
      drawnNanos = 0;
      if (!interactive) {
        out.println("downloading " + PrintableText.escape(name) + of(total));
        out.flush();
      }
    }
    if (interactive && (now - drawnNanos > REDRAW_NANOS || bytes == total)) {
      drawnNanos = now;
      out.print("\r" + line(bytes, total, (now - startNanos) / 1e9) + "\033[K");
      out.flush();
    }
  }

  private String line(long bytes, long total, double seconds) {
    double rate = (bytes - firstBytes) / Math.max(seconds, 1e-3);
    String text =
        "%s  %,d%s  %.1f MB/s".formatted(PrintableText.escape(file), bytes, of(total), rate / 1e6);
    if (total < 0 || rate <= 0) {
      return text;
    }
    long left = Math.round((total - bytes) / rate);
    return "%s  ETA %d:%02d:%02d".formatted(text, left / 3600, left / 60 % 60, left % 60);
  }

  private static String of(long total) {
    return total < 0 ? " bytes" : " of %,d bytes".formatted(total);
  }

  private void endLine() {
    if (interactive && !file.isEmpty()) {
      out.println();
    }
    out.flush();
  }

  @Override
  public void close() {
    endLine();
  }
}
