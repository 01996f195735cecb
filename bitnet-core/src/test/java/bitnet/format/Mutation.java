package bitnet.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/// Damaged copies of good files, and what a reader of them may cost.
public final class Mutation {
  /// How many inputs each reader gets; a million with the Maven profile `soak`.
  public static final int INPUTS = Integer.getInteger("bitnet.hostile.inputs", 2500);

  private static final String TOKENS = "{}[]:,\"\\-0123456789eE.nulltrue \u0000\u007f\u00ff";
  private static final String[] NUMBERS = {
    "0",
    "-1",
    "1e999",
    "-0",
    "2.5",
    "255",
    "65536",
    "2147483647",
    "2147483648",
    "4294967297",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999999999",
    "1e-400",
    "NaN"
  };
  private static final long FIXED_BYTES = 2 << 20; // buffers and tables of any size of file
  private static final long SLOWEST_NANOS = 10_000_000_000L;

  private Mutation() {}

  /// Reads an input.
  public interface Reader {
    /// Reads it once.
    ///
    /// @throws IOException what the reader may throw; nothing else
    void read() throws IOException;
  }

  /// A copy with one to three changes: single bytes, repeated pieces, extreme numbers.
  ///
  /// @param reach how many of the first bytes are changed
  public static byte[] of(byte[] seed, int reach, Random random) {
    StringBuilder text = new StringBuilder(new String(seed, StandardCharsets.ISO_8859_1));
    for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
      int limit = Math.min(reach, text.length());
      int at = limit == 0 ? 0 : random.nextInt(limit);
      char token = TOKENS.charAt(random.nextInt(TOKENS.length()));
      if (text.isEmpty()) {
        text.append(token);
      }
      switch (random.nextInt(6)) {
        case 0 -> text.setCharAt(at, token);
        case 1 -> text.insert(at, token);
        case 2 -> text.deleteCharAt(at);
        case 3 -> text.setCharAt(at, (char) (text.charAt(at) ^ (1 << random.nextInt(8))));
        case 4 -> replaceNumber(text, at, NUMBERS[random.nextInt(NUMBERS.length)]);
        default -> {
          int end = Math.min(text.length(), at + random.nextInt(30));
          text.insert(random.nextInt(limit + 1), text.substring(at, end));
        }
      }
    }
    return text.toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void replaceNumber(StringBuilder text, int from, String number) {
    int begin = from;
    while (begin < text.length() && !Character.isDigit(text.charAt(begin))) {
      begin++;
    }
    int end = begin;
    while (end < text.length() && Character.isDigit(text.charAt(end))) {
      end++;
    }
    text.replace(begin, end, number);
  }

  /// Reads an input and checks that it is read or refused in one line, in time, and with memory of
  /// at most four times its size.
  ///
  /// @return whether it was accepted
  public static boolean read(long fileBytes, String place, Reader reader) {
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    long start = System.nanoTime();
    IOException refused = null;
    try {
      reader.read();
    } catch (IOException refusal) {
      refused = refusal;
    }
    long nanos = System.nanoTime() - start;
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    if (refused != null) {
      assertThat(refused).hasMessageContaining(place).hasMessageNotContaining("\n");
      assertThat(refused.getMessage()).hasSizeLessThan(2000);
    }
    assertThat(nanos).isLessThan(SLOWEST_NANOS);
    assertThat(allocated).isLessThan(4 * fileBytes + FIXED_BYTES);
    return refused == null;
  }
}
