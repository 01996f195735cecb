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
import java.util.HexFormat;
import java.util.OptionalLong;

/// Downloads one file to `HASH.incomplete`, from where an earlier try ended, or in ranges, verifies
/// it and renames it to `HASH`.
final class HubDownload {
  private static final int BUFFER = 1 << 16;

  private final HubHttp http;
  private final HubCache cache;
  private final HubProgress progress;
  private final long rangeBytes;

  /// @param rangeBytes a file of twice as many bytes or more is downloaded in ranges
  HubDownload(HubHttp http, HubCache cache, HubProgress progress, long rangeBytes) {
    this.http = http;
    this.cache = cache;
    this.progress = progress;
    this.rangeBytes = rangeBytes;
  }

  /// Whether the body of an answer ended early, and what the whole file has.
  private record Part(boolean complete, long total) {}

  /// Puts a file into the snapshot of a commit, unless it is there. Another process that downloads
  /// it is waited for.
  ///
  /// @param address of the file, from the endpoint on
  void file(String address, String commit, HubFile file) throws IOException {
    String key =
        file.hash().isEmpty()
            ? hash("SHA-256", (commit + "/" + file.path()).getBytes(StandardCharsets.UTF_8))
            : file.hash();
    try (HubCache.Lock _ = cache.lock(key)) {
      if (!Files.exists(cache.snapshot(commit).resolve(file.path()))) {
        cache.link(commit, file.path(), blob(address, key, file));
      }
    }
  }

  private HubCache.Blob blob(String address, String key, HubFile file) throws IOException {
    Path blob = cache.blob(key);
    if (!file.hash().isEmpty() && Files.exists(blob)) {
      return new HubCache.Blob(blob, false);
    }
    for (int attempt = 1; ; attempt++) {
      Path content = content(address, key, file);
      String found = digest(content, file.hash().length() == 40);
      if (file.hash().isEmpty() || found.equals(file.hash())) {
        Path target = cache.blob(found);
        boolean isNew = !Files.exists(target);
        Files.move(content, target, StandardCopyOption.REPLACE_EXISTING);
        return new HubCache.Blob(target, isNew);
      }
      Files.delete(content);
      if (attempt == 2) {
        throw new HubException(
            "%s does not have the hash that the hub says, after two downloads; try again later"
                .formatted(file.path()));
      }
    }
  }

  /// Downloads a file: a large one in ranges, unless a part of it is there from its beginning on.
  private Path content(String address, String key, HubFile file) throws IOException {
    Path partial = cache.blob(key + ".incomplete");
    if (file.size() >= 2 * rangeBytes && !Files.exists(partial)) {
      Path ranged = cache.blob(key + ".ranges.incomplete");
      Path state = cache.blob(key + ".ranges");
      boolean complete;
      try (RangedFile ranges = RangedFile.open(ranged, state, file.size(), rangeBytes)) {
        requireSpace(file, ranged, ranges.missingBytes());
        complete = new RangedDownload(http, ranges, file, address, progress).run();
      }
      Files.delete(state);
      if (complete) {
        return ranged;
      }
      Files.delete(ranged);
    }
    fetch(address, file, partial);
    return partial;
  }

  private void fetch(String address, HubFile file, Path partial) throws IOException {
    long total = file.size();
    long most = 0;
    int idleTries = 0;
    while (true) {
      long before = Files.exists(partial) ? Files.size(partial) : 0;
      most = Math.max(most, before);
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
      // what is downloaded again after a restart is no progress
      idleTries = Files.exists(partial) && Files.size(partial) > most ? 0 : idleTries + 1;
      if (idleTries == HubHttp.TRIES) {
        throw ended(file, before);
      }
      http.pause(idleTries);
    }
  }

  /// A connection that keeps ending.
  ///
  /// @param bytes that are there
  static HubException ended(HubFile file, long bytes) {
    return new HubException(
        "%s: the connection ends after %,d bytes; the same command continues the download"
            .formatted(file.path(), bytes),
        true);
  }

  private Part part(String address, HubFile file, Path partial, long from) throws IOException {
    String range = from == 0 ? "" : "bytes=%d-".formatted(from);
    HttpResponse<InputStream> response = http.get(address, range);
    try (InputStream body = http.body(response)) {
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
      if (file.size() >= 0 && total != file.size()) {
        throw new HubException(
            "%s has %,d bytes, but the hub lists it with %,d; try again later, or check HF_ENDPOINT"
                .formatted(file.path(), total, file.size()));
      }
      boolean ended = copy(body, file, partial, start, total);
      long now = Files.size(partial);
      return new Part(ended && (total < 0 || now == total), total);
    }
  }

  /// Whether a partial answer begins where it should, as far as it says.
  static boolean startsAt(HttpResponse<?> response, long from) {
    return response
        .headers()
        .firstValue("Content-Range")
        .map(range -> range.startsWith("bytes " + from + "-"))
        .orElse(true);
  }

  /// Whether the body ended as it should, rather than by a dropped or stalled connection.
  private boolean copy(InputStream body, HubFile file, Path partial, long start, long total)
      throws IOException {
    try (FileChannel out =
        FileChannel.open(partial, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      out.truncate(start);
      long position = start;
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
        write(out, ByteBuffer.wrap(buffer, 0, count), position, file.path(), partial);
        position += count;
        progress.advanced(file.path(), position, total);
      }
    }
  }

  /// Writes all bytes of a buffer.
  ///
  /// @param name of the file, for the message
  /// @throws HubException if there is no space
  static void write(FileChannel out, ByteBuffer bytes, long position, String name, Path target)
      throws IOException {
    try {
      long at = position;
      while (bytes.hasRemaining()) {
        at += out.write(bytes, at);
      }
    } catch (IOException full) {
      throw new HubException(
          "%s cannot be written to %s (%s); free some space, or set HF_HOME to another disk"
              .formatted(name, target.getParent(), full.getMessage()));
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
