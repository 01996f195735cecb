package bitnet.corpus;

import bitnet.setting.SettingChecks;
import java.io.Serializable;

/// How a corpus becomes shards of tokens.
///
/// @param order of the documents
/// @param seed of the shuffled order
/// @param dedup which exact copies are left out
/// @param nearDuplicates Jaccard similarity from which documents are near duplicates and only the
///     first one stays: above 0 and at most 1; 0: they are not looked for
/// @param shardTokens the tokens of each shard but the last
public record CorpusSettings(
    DocumentOrder order, long seed, Deduplication dedup, double nearDuplicates, long shardTokens)
    implements Serializable {

  /// Shards of 200 MB for vocabularies of up to 65,536 tokens, as llm.c has them.
  private static final long SHARD_TOKENS = 100_000_000;

  /// Checks the values.
  ///
  /// @throws IllegalArgumentException naming the setting, the rule and a remedy
  public CorpusSettings {
    SettingChecks.atLeast("shard_tokens", shardTokens, 1);
    if (!(nearDuplicates >= 0 && nearDuplicates <= 1)) {
      throw new IllegalArgumentException(
          "near_duplicates %s is not above 0 and at most 1; use 0.8".formatted(nearDuplicates));
    }
    if (nearDuplicates > 0 && dedup == Deduplication.NONE) {
      throw new IllegalArgumentException(
          "near_duplicates finds exact ones too, so it does not fit `dedup` none; leave one out");
    }
  }

  /// What a user gets who says nothing.
  public static CorpusSettings defaults() {
    return new CorpusSettings(DocumentOrder.SHUFFLED, 0, Deduplication.EXACT, 0, SHARD_TOKENS);
  }

  /// Whether near duplicates are looked for.
  public boolean findsNearDuplicates() {
    return nearDuplicates > 0;
  }
}
