package bitnet.tokenizer;

import bitnet.storage.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// What [BpeTrainer] learned.
///
/// @param tokens by id
/// @param specialCount that many first tokens are special
/// @param merges "left right", the earliest first
/// @param corpusBytes size of the corpus in bytes
/// @param corpusTokens size of the corpus in tokens of this vocabulary, encoded line by line
public record TrainedVocabulary(
    List<String> tokens,
    int specialCount,
    List<String> merges,
    long corpusBytes,
    long corpusTokens) {

  /// Copies the lists.
  public TrainedVocabulary {
    tokens = List.copyOf(tokens);
    merges = List.copyOf(merges);
  }

  /// Compression on the corpus.
  public double bytesPerToken() {
    return (double) corpusBytes / corpusTokens;
  }

  /// The `tokenizer.json` of this vocabulary, for [Tokenizer] and for every Hugging Face tool.
  byte[] tokenizerJson() throws IOException {
    return TokenizerJson.write(tokens, specialCount, merges, true);
  }

  /// Writes the tokenizer.json next to the target first, then over it. The special tokens have
  /// names that [Tokenizer#load] knows without a tokenizer_config.json.
  public void write(Path tokenizerJson) throws IOException {
    AtomicFile.write(tokenizerJson, tokenizerJson());
  }

  /// Writes tokenizer.json and tokenizer_config.json into a directory, which is made if there is
  /// none.
  public void save(Path directory) throws IOException {
    write(directory.resolve(Tokenizer.FILE));
    SpecialTokens special =
        new SpecialTokens(null, BpeTrainer.END_OF_TEXT, BpeTrainer.PAD, List.of());
    AtomicFile.write(directory.resolve(Tokenizer.CONFIG), special.config());
  }
}
