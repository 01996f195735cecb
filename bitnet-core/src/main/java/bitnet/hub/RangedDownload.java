package bitnet.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/// Downloads the ranges of a file at once.
final class RangedDownload {
  private static final int BUFFER = 1 << 16;

  private final HubHttp http;
  private final RangedFile ranges;
  private final HubFile file;
  private final String address;
  private final HubProgress progress;
  private final AtomicLong bytes;
  private volatile boolean stopped;

  /// @param address of the file, from the endpoint on
  RangedDownload(
      HubHttp http, RangedFile ranges, HubFile file, String address, HubProgress progress) {
    this.http = http;
    this.ranges = ranges;
    this.file = file;
    this.address = address;
    this.progress = progress;
    this.bytes = new AtomicLong(ranges.total() - ranges.missingBytes());
  }

  /// Downloads what is missing.
  ///
  /// @return false if the server has no ranges
  /// @throws IOException if a range cannot be downloaded; the others are stopped
  boolean run() throws IOException {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> all =
          IntStream.range(0, ranges.count())
              .mapToObj(range -> threads.submit(() -> download(range)))
              .toList();
      boolean complete = true;
      for (Future<Boolean> each : all) {
        complete &= each.get();
      }
      return complete;
    } catch (ExecutionException failure) {
      if (failure.getCause() instanceof IOException refused) {
        throw refused;
      }
      throw new IllegalStateException(failure.getCause());
    } catch (InterruptedException interrupted) {
      stopped = true;
      Thread.currentThread().interrupt();
      throw new HubException("the download was interrupted; the same command continues it");
    }
  }

  private boolean download(int range) throws IOException {
    boolean done = false;
    try {
      done = tryAll(range);
      return done;
    } finally {
      stopped |= !done;
    }
  }

  private boolean tryAll(int range) throws IOException {
    int idleTries = 0;
    while (ranges.next(range) < ranges.end(range) && !stopped) {
      long before = ranges.next(range);
      if (!part(range)) {
        return false;
      }
      idleTries = ranges.next(range) > before ? 0 : idleTries + 1;
      if (idleTries == HubHttp.TRIES) {
        throw HubDownload.ended(file, bytes.get());
      }
      if (ranges.next(range) < ranges.end(range)) {
        http.pause(idleTries);
      }
    }
    return ranges.next(range) == ranges.end(range);
  }

  /// One answer.
  ///
  /// @return false if it is not of the range
  private boolean part(int range) throws IOException {
    long from = ranges.next(range);
    String wanted = "bytes=%d-%d".formatted(from, ranges.end(range) - 1);
    HttpResponse<InputStream> response = http.get(address, wanted);
    try (InputStream body = http.body(response)) {
      int status = response.statusCode();
      if (status == 200 || status == 416 || !HubDownload.startsAt(response, from)) {
        return false;
      }
      if (status != 206) {
        throw HubRefusal.of(response, file.path());
      }
      copy(body, range);
      return true;
    }
  }

  private void copy(InputStream body, int range) throws IOException {
    byte[] buffer = new byte[BUFFER];
    while (ranges.next(range) < ranges.end(range) && !stopped) {
      int most = (int) Math.min(buffer.length, ranges.end(range) - ranges.next(range));
      int count;
      try {
        count = body.read(buffer, 0, most);
      } catch (IOException dropped) {
        return;
      }
      if (count < 0) {
        return;
      }
      ranges.append(range, ByteBuffer.wrap(buffer, 0, count), file.path());
      advance(count);
    }
  }

  private synchronized void advance(int count) {
    progress.advanced(file.path(), bytes.addAndGet(count), file.size());
  }
}
