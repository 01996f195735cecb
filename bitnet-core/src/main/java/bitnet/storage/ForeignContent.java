package bitnet.storage;

import java.nio.file.Path;
import java.util.HexFormat;

/// Kinds of files that people give in the place of UTF-8 text, by their first bytes.
enum ForeignContent {
  GZIP("1f8b", "is compressed with gzip", "gzip -dc %1$s > %2$s"),
  ZSTANDARD("28b52ffd", "is compressed with Zstandard", "zstd -dc %1$s > %2$s"),
  XZ("fd377a585a00", "is compressed with xz", "xz -dc %1$s > %2$s"),
  BZIP2("425a6839314159265359", "is compressed with bzip2", "bzip2 -dc %1$s > %2$s"),
  LZ4("04224d18", "is compressed with lz4", "lz4 -dc %1$s > %2$s"),
  ZIP("504b0304", "is a zip archive", "unzip -p %1$s > %2$s"),
  PARQUET(
      "50415231",
      "is Parquet, not JSONL",
      "python -c 'import pandas; pandas.read_parquet(\"%1$s\").to_json(\"%2$s\","
          + " orient=\"records\", lines=True)'"),
  ARROW(
      "4152524f5731",
      "is an Arrow file, not JSONL",
      "python -c 'import pandas; pandas.read_feather(\"%1$s\").to_json(\"%2$s\","
          + " orient=\"records\", lines=True)'"),
  UTF_32_LITTLE("fffe0000", "is UTF-32, not UTF-8", "iconv -f UTF-32 -t UTF-8 %1$s > %2$s"),
  UTF_32_BIG("0000feff", "is UTF-32, not UTF-8", "iconv -f UTF-32 -t UTF-8 %1$s > %2$s"),
  UTF_16_LITTLE("fffe", "is UTF-16, not UTF-8", "iconv -f UTF-16 -t UTF-8 %1$s > %2$s"),
  UTF_16_BIG("feff", "is UTF-16, not UTF-8", "iconv -f UTF-16 -t UTF-8 %1$s > %2$s"),
  UTF_16_LITTLE_UNMARKED("", "is UTF-16, not UTF-8", "iconv -f UTF-16LE -t UTF-8 %1$s > %2$s") {
    @Override
    boolean begins(byte... start) {
      return alternates(start, 1);
    }
  },
  UTF_16_BIG_UNMARKED("", "is UTF-16, not UTF-8", "iconv -f UTF-16BE -t UTF-8 %1$s > %2$s") {
    @Override
    boolean begins(byte... start) {
      return alternates(start, 0);
    }
  };

  /// How many bytes tell them apart.
  static final int LONGEST_MARK = 16;

  private final String mark; // hexadecimal
  private final String description;
  private final String conversion;

  ForeignContent(String mark, String description, String conversion) {
    this.mark = mark;
    this.description = description;
    this.conversion = conversion;
  }

  /// Whether a file that begins so is of this kind.
  boolean begins(byte... start) {
    return HexFormat.of().formatHex(start).startsWith(mark);
  }

  /// Whether every second byte from `zeros` on is 0 and the others are ASCII, in two characters or
  /// more.
  private static boolean alternates(byte[] start, int zeros) {
    if (start.length < 4) {
      return false;
    }
    for (int i = 0; i + 1 < start.length; i += 2) {
      if (start[i + zeros] != 0 || start[i + 1 - zeros] <= 0) {
        return false;
      }
    }
    return true;
  }

  /// One line: the file, what it is, what converts it.
  String refusal(Path file) {
    String name = String.valueOf(file.getFileName());
    String plain = name.replaceFirst("\\.(gz|zst|xz|bz2|lz4|zip|parquet|arrow|feather)$", "");
    String target = plain.equals(name) ? "utf8-" + name : plain;
    target = target.contains(".") ? target : target + ".jsonl";
    return "%s %s; convert it with %s"
        .formatted(file, description, conversion.formatted(file, target));
  }
}
