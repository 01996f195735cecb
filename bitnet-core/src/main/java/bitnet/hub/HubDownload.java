package bitnet.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/// Downloads one file to `HASH.incomplete`, from where an earlier try ended, verifies it and
/// renames it to `HASH`.
final class HubDownload {
  private static final int BUFFER = 1 << 16;

  private final HubHttp http;
  private final HubCache cache;
  private final Duration bodyTimeout;
  private final HubProgress progress;

  HubDownload(HubHttp http, HubCache cache, Duration bodyTimeout, HubProgress progress) {
    this.http = http;
    this.cache = cache;
    this.bodyTimeout = bodyTimeout;
    this.progress = progress;
  }

  /// Whether the body of an answer ended early, and what the whole file has.
  private record Part(boolean complete, long total) {}

  /// The blob of a file, downloaded unless it is there.
  ///
  /// @param address of the file, from the endpoint on
  /// @param commit names the temporary file where the hub does not say a hash
  Path blob(String address, String commit, HubFile file) throws IOException {
    String key =
        file.hash().isEmpty()
            ? hash("SHA-256", (commit + "/" + file.path()).getBytes(StandardCharsets.UTF_8))
            : file.hash();
    try (HubCache.Lock _ = cache.lock(key)) {
      Path blob = cache.blob(key);
      if (!file.hash().isEmpty() && Files.exists(blob)) {
        return blob;
      }
      Path partial = cache.blob(key + ".incomplete");
      for (int attempt = 1; ; attempt++) {
        fetch(address, file, partial);
        String found = digest(partial, file.hash().length() == 40);
        if (file.hash().isEmpty() || found.equals(file.hash())) {
          Path target = cache.blob(found);
          Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
          return target;
        }
        Files.delete(partial);
        if (attempt == 2) {
          throw new HubException(
              "%s does not have the hash that the hub says, after two downloads; try again later"
                  .formatted(file.path()));
        }
      }
    }
  }

  private void fetch(String address, HubFile file, Path partial) throws IOException {
    long total = file.size();
    int idleTries = 0;
    while (true) {
      long before = Files.exists(partial) ? Files.size(partial) : 0;
      if (total >= 0 && before > total) {
        Files.delete(partial);
        before = 0;
      }
      if (before == total && (total > 0 || Files.exists(partial))) {
        return;
      }
      requireSpace(file, partial, total - before);
      Part part = part(address, file, partial, before);
      if (part.complete()) {
        return;
      }
      total = total < 0 ? part.total() : total;
      idleTries = Files.exists(partial) && Files.size(partial) > before ? 0 : idleTries + 1;
      if (idleTries == HubHttp.TRIES) {
        throw new HubException(
            "%s: the connection ends after %,d bytes; the same command continues the download"
                .formatted(file.path(), before),
            true);
      }
      http.pause(idleTries);
    }
  }

  private Part part(String address, HubFile file, Path partial, long from) throws IOException {
    HttpResponse<InputStream> response = http.get(address, from);
    try (InputStream body = response.body()) {
      int status = response.statusCode();
      if (status == 416) { // another file than before, or one whose size is not known
        Files.deleteIfExists(partial);
        return new Part(false, -1);
      }
      if (status != 200 && status != 206) {
        throw HubRefusal.of(response, file.path());
      }
      boolean appends = status == 206 && from > 0 && startsAt(response, from);
      if (status == 206 && !appends) {
        Files.deleteIfExists(partial);
        return new Part(false, -1);
      }
      OptionalLong length = response.headers().firstValueAsLong("Content-Length");
      long start = appends ? from : 0;
      long total = length.isPresent() ? start + length.getAsLong() : file.size();
      boolean ended = copy(body, file, partial, start, total);
      long now = Files.size(partial);
      return new Part(ended && (total < 0 || now == total) && fits(file, now), total);
    }
  }

  private static boolean fits(HubFile file, long bytes) {
    return file.size() < 0 || file.size() == bytes;
  }

  private static boolean startsAt(HttpResponse<?> response, long from) {
    return response
        .headers()
        .firstValue("Content-Range")
        .map(range -> range.startsWith("bytes " + from + "-"))
        .orElse(true);
  }

  /// Whether the body ended as it should, rather than by a dropped or stalled connection.
  private boolean copy(InputStream body, HubFile file, Path partial, long start, long total)
      throws IOException {
    AtomicLong lastByte = new AtomicLong(System.nanoTime());
    AtomicBoolean done = new AtomicBoolean();
    Thread watch = Thread.ofVirtual().start(() -> closeStalled(body, lastByte, done));
    try (FileChannel out =
        FileChannel.open(partial, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      out.truncate(start).position(start);
      byte[] buffer = new byte[BUFFER];
      while (true) {
        int count;
        try {
          count = body.read(buffer);
        } catch (IOException dropped) {
          return false;
        }
        if (count < 0) {
          return true;
        }
        lastByte.set(System.nanoTime());
        write(out, ByteBuffer.wrap(buffer, 0, count), file, partial);
        progress.advanced(file.path(), out.position(), total);
      }
    } finally {
      done.set(true);
      watch.interrupt();
    }
  }

  private static void write(FileChannel out, ByteBuffer bytes, HubFile file, Path partial)
      throws IOException {
    try {
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
    } catch (IOException full) {
      throw new HubException(
          "%s cannot be written to %s (%s); free some space, or set HF_HOME to another disk"
              .formatted(file.path(), partial.getParent(), full.getMessage()));
    }
  }

  /// Closes a body that has paused for too long: its reader sees a dropped connection.
  private void closeStalled(InputStream body, AtomicLong lastByte, AtomicBoolean done) {
    try {
      while (!done.get()) {
        Duration left = bodyTimeout.minus(Duration.ofNanos(System.nanoTime() - lastByte.get()));
        if (left.isNegative() || left.isZero()) {
          body.close();
          return;
        }
        Thread.sleep(left);
      }
    } catch (InterruptedException | IOException ended) {
      return; // the copy has ended, or its connection is closed
    }
  }

  private static void requireSpace(HubFile file, Path partial, long bytes) throws IOException {
    long free = Files.getFileStore(partial.getParent()).getUsableSpace();
    if (bytes > free) {
      throw new HubException(
          "%s needs %,d bytes, and %s has %,d left; free some space, or set HF_HOME to another disk"
              .formatted(file.path(), bytes, partial.getParent(), free));
    }
  }

  private static String digest(Path file, boolean gitBlob) throws IOException {
    MessageDigest digest = digest(gitBlob ? "SHA-1" : "SHA-256");
    if (gitBlob) {
      digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.UTF_8));
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] buffer = new byte[BUFFER];
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        digest.update(buffer, 0, count);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static String hash(String algorithm, byte[] content) {
    return HexFormat.of().formatHex(digest(algorithm).digest(content));
  }

  private static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
