package bitnet.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.storage.TextInput;
import com.github.luben.zstd.Zstd;
import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Damaged files of data are read or refused in one line, in time and in bounded memory.
class HostileDataTest {
  private static final int INPUTS = Integer.getInteger("bitnet.hostile.inputs", 2500);
  private static final Path FILES = Path.of("src/test/resources/parquet");
  private static final int STEP = 7;
  private static final int KINDS = 6;
  private static final long MOST_BYTES = 128 << 20; // batches for any size of file take 70 MiB
  private static final long SLOWEST_NANOS = 10_000_000_000L;

  @TempDir private Path directory;

  private static byte[] seed(String name) throws IOException {
    byte[] rows = Files.readAllBytes(FILES.resolve("rows.jsonl"));
    return switch (name) {
      case "gz" -> DecoderTest.gzip(rows);
      case "zst" -> Zstd.compress(rows);
      default -> Files.readAllBytes(FILES.resolve(name + ".parquet"));
    };
  }

  /// Whether the content is read.
  private boolean read(byte[] content) throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Path file = directory.resolve("data");
    Files.deleteIfExists(file); // some file systems flush one that is truncated and written again
    Files.write(file, content);
    long before = threads.getTotalThreadAllocatedBytes();
    long start = System.nanoTime();
    boolean read = true;
    try (TextInput in = TextInput.openData(file)) {
      in.stream().transferTo(OutputStream.nullOutputStream());
    } catch (IOException refused) {
      read = false;
      assertThat(refused)
          .hasMessageStartingWith(file.toString())
          .hasMessageNotContaining("\n")
          .hasMessageContaining("; ");
      assertThat(refused.getMessage()).hasSizeLessThan(2000);
    }
    assertThat(System.nanoTime() - start).isLessThan(SLOWEST_NANOS);
    assertThat(threads.getTotalThreadAllocatedBytes() - before).isLessThan(MOST_BYTES);
    return read;
  }

  @ParameterizedTest
  @ValueSource(strings = {"gz", "zst", "plain", "snappy", "zstd-v2", "groups"})
  void aTruncatedFileIsRefused(String name) throws IOException {
    byte[] whole = seed(name);
    for (int size = STEP; size < whole.length; size += STEP) {
      assertThat(read(Arrays.copyOf(whole, size))).as("%s of %d bytes", name, size).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gz", "zst", "plain", "snappy", "zstd-v2", "groups"})
  void aMutatedFileIsReadOrRefused(String name) throws IOException {
    byte[] whole = seed(name);
    Random random = new Random(7);
    int refused = 0;
    int inputs = INPUTS / KINDS;
    for (int i = 0; i < inputs; i++) {
      refused += read(mutated(whole, random)) ? 0 : 1;
    }
    assertThat(refused).isBetween(1, inputs);
  }

  /// A copy with one to three changes: a byte, a bit, or a piece that is missing or there twice.
  /// Half of them are at the end, where Parquet has its footer.
  private static byte[] mutated(byte[] whole, Random random) {
    byte[] copy = whole.clone();
    for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
      int reach = random.nextBoolean() ? copy.length : Math.min(copy.length, 2000);
      int at = copy.length - 1 - random.nextInt(reach);
      int length = 1 + random.nextInt(Math.min(8, copy.length - at));
      switch (random.nextInt(8)) {
        case 0 -> copy = spliced(copy, at, at + length);
        case 1 -> copy = spliced(copy, at + length, at);
        case 2, 3, 4 -> copy[at] = (byte) random.nextInt(256);
        default -> copy[at] ^= (byte) (1 << random.nextInt(8));
      }
    }
    return copy;
  }

  /// The bytes before one place and those from another one on.
  private static byte[] spliced(byte[] bytes, int end, int from) {
    byte[] joined = Arrays.copyOf(bytes, end + bytes.length - from);
    System.arraycopy(bytes, from, joined, end, bytes.length - from);
    return joined;
  }
}
