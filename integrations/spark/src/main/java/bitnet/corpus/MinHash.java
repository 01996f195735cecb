package bitnet.corpus;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;

/// MinHash (Broder 1997) with locality-sensitive hashing: texts whose sets of shingles have a high
/// Jaccard similarity are found without comparing all with all.
///
/// A shingle is 5 words that follow each other, in lower case; a word is a run of letters, marks
/// and digits, or one character of a script without spaces. A text of fewer words is one shingle. A
/// shingle's hash is the FNV-1a of its UTF-16 characters (64 bits), and its i-th value the i-th
/// output of SplitMix64 seeded with that. The signature has the least values, 16 bits of each.
///
/// @param threshold similarity of near duplicates, above 0 and at most 1
/// @param bandRows how many values are a band
public record MinHash(double threshold, int bandRows) implements Serializable {
  private static final int HASHES = 128;
  private static final int SHINGLE_WORDS = 5;
  private static final long GAMMA = 0x9E3779B97F4A7C15L; // of SplitMix64
  private static final long FNV_OFFSET = 0xCBF29CE484222325L;
  private static final long FNV_PRIME = 0x100000001B3L;

  /// The probability with which a pair of that similarity has to be found, at least.
  private static final double RECALL = 0.9;

  private static final String SPACELESS =
      "\\p{IsHan}\\p{IsHiragana}\\p{IsKatakana}\\p{IsThai}\\p{IsLao}\\p{IsKhmer}\\p{IsMyanmar}";
  private static final Pattern WORD =
      Pattern.compile("[%1$s]|[\\p{L}\\p{M}\\p{N}&&[^%1$s]]+".formatted(SPACELESS));

  /// Bands that find pairs of that similarity with a probability of 0.9 or more, and few others.
  ///
  /// @param threshold similarity of near duplicates, above 0 and at most 1
  public static MinHash of(double threshold) {
    for (int rows = HASHES; rows > 1; rows--) {
      int bands = HASHES / rows;
      double missed = Math.pow(1 - Math.pow(threshold, rows), bands);
      if (1 - missed >= RECALL) {
        return new MinHash(threshold, rows);
      }
    }
    return new MinHash(threshold, 1);
  }

  /// The least values of a text's shingles.
  public byte[] signature(String text) {
    long[] least = new long[HASHES];
    Arrays.fill(least, -1L); // the largest, unsigned
    for (long shingle : shingles(text)) {
      for (int i = 0; i < HASHES; i++) {
        long value = mix(shingle + (i + 1) * GAMMA);
        if (Long.compareUnsigned(value, least[i]) < 0) {
          least[i] = value;
        }
      }
    }
    ByteBuffer signature = ByteBuffer.allocate(HASHES * Short.BYTES);
    for (long value : least) {
      signature.putShort((short) value);
    }
    return signature.array();
  }

  /// The hashes of the shingles of a text, in order.
  static long[] shingles(String text) {
    LongStream.Builder shingles = LongStream.builder();
    String[] window = new String[SHINGLE_WORDS];
    int words = 0;
    Matcher found = WORD.matcher(text.toLowerCase(Locale.ROOT));
    while (found.find()) {
      window[words % SHINGLE_WORDS] = found.group();
      words++;
      if (words >= SHINGLE_WORDS) {
        shingles.add(hash(window, words));
      }
    }
    if (words < SHINGLE_WORDS) {
      shingles.add(words == 0 ? hash(FNV_OFFSET, text) : hash(Arrays.copyOf(window, words), words));
    }
    return shingles.build().toArray();
  }

  /// The hash of the words in a ring buffer.
  ///
  /// @param next index of the oldest word, modulo the length
  private static long hash(String[] ring, int next) {
    long hash = FNV_OFFSET;
    for (int i = 0; i < ring.length; i++) {
      hash = hash(hash(hash, ring[(next + i) % ring.length]), " ");
    }
    return hash;
  }

  private static long hash(long start, String text) {
    long hash = start;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ (text.charAt(i) & 0xFF)) * FNV_PRIME;
      hash = (hash ^ (text.charAt(i) >>> 8)) * FNV_PRIME;
    }
    return hash;
  }

  private static long mix(long bits) {
    long hash = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
    hash = (hash ^ (hash >>> 27)) * 0x94D049BB133111EBL;
    return hash ^ (hash >>> 31);
  }

  /// How many bands a signature has.
  public int bands() {
    return HASHES / bandRows;
  }

  /// A band of a signature: its number and its values. Documents that have one in common are
  /// compared.
  public byte[] band(byte[] signature, int band) {
    int bytes = bandRows * Short.BYTES;
    return ByteBuffer.allocate(1 + bytes)
        .put((byte) band)
        .put(signature, band * bytes, bytes)
        .array();
  }

  /// The length of a band in bytes.
  public int bandBytes() {
    return 1 + bandRows * Short.BYTES;
  }

  /// Whether the estimated similarity of two texts, the share of equal values, reaches the
  /// threshold.
  public boolean isNear(byte[] signature, byte[] other) {
    int equal = 0;
    for (int at = 0; at < HASHES * Short.BYTES; at += Short.BYTES) {
      if (signature[at] == other[at] && signature[at + 1] == other[at + 1]) {
        equal++;
      }
    }
    return equal >= threshold * HASHES;
  }
}
