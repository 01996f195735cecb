package bitnet.corpus;

import java.io.Serializable;
import java.nio.file.Path;

/// The documents of a range of keys, written in order: shards are put together of such parts.
///
/// @param number of the range
/// @param documents in it
/// @param tokens of them
/// @param bytes of their texts
/// @param exactDuplicates documents of the range that were left out
/// @param nearDuplicates documents of the range that were left out
public record ShardPart(
    int number, long documents, long tokens, long bytes, long exactDuplicates, long nearDuplicates)
    implements Serializable {

  static Path tokensFile(Path directory, int number) {
    return directory.resolve("part-%06d.tokens".formatted(number));
  }

  static Path lengthsFile(Path directory, int number) {
    return directory.resolve("part-%06d.lengths".formatted(number));
  }
}
