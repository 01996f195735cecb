package bitnet.tokenizer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// Trains a byte-level BPE (GPT-2's): every text can be encoded, frequent words become one token.
///
/// Deterministic: the same text gives the same file. Of equally frequent pairs the one with the
/// lower ids is merged first, as in Hugging Face's `tokenizers`, whose trainer learns the same
/// merges from the same lines.
///
/// Ids: `<|endoftext|>` 0 and `<|pad|>` 1, the 256 bytes in the order of GPT-2's alphabet, then
/// the merges. There is no token for the beginning of a text and none for unknown text: a small
/// model needs the first as little as GPT-2 did, and bytes leave nothing unknown.
///
/// @param vocabSize tokens wanted, the two special ones and the 256 bytes included
/// @param minFrequency a pair that occurs less often is not merged
public record BpeTrainer(int vocabSize, int minFrequency) {
  /// Ends every text.
  public static final String END_OF_TEXT = "<|endoftext|>";

  /// Fills a batch; never learned from.
  public static final String PAD = "<|pad|>";

  private static final List<String> SPECIAL_TOKENS = List.of(END_OF_TEXT, PAD);

  /// The smallest vocabulary: the bytes and the special tokens.
  public static final int MIN_VOCAB_SIZE = ByteAlphabet.SIZE + 2;

  /// Checks both numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public BpeTrainer {
    if (vocabSize < MIN_VOCAB_SIZE) {
      throw new IllegalArgumentException(
          "vocab_size %d is too small; 256 bytes and %d special tokens need at least %d"
              .formatted(vocabSize, SPECIAL_TOKENS.size(), MIN_VOCAB_SIZE));
    }
    if (vocabSize > TokenizerFile.MAX_ID) {
      throw new IllegalArgumentException(
          "vocab_size %d is too large; it can be at most %d"
              .formatted(vocabSize, TokenizerFile.MAX_ID));
    }
    if (minFrequency < 1) {
      throw new IllegalArgumentException(
          "min_frequency %d is too small; it must be at least 1".formatted(minFrequency));
    }
  }

  /// Trains on UTF-8 text files. They are read line by line; memory grows with the number of
  /// distinct words only.
  ///
  /// @throws IOException if a file is absent, empty or not UTF-8: the file, the place, the remedy
  public TrainedVocabulary train(List<Path> corpus) throws IOException {
    if (corpus.isEmpty()) {
      throw new IllegalArgumentException("the corpus has no file; name at least one");
    }
    WordCounts counts = new WordCounts();
    long bytes = 0;
    for (Path file : corpus) {
      bytes += counts.addFile(file);
    }
    return train(counts, bytes);
  }

  /// Trains on the words of a text.
  ///
  /// @param bytes the size of the text
  public TrainedVocabulary train(WordCounts counts, long bytes) {
    PairMerger merger = new PairMerger(alphabet(), counts);
    merger.mergeUntil(vocabSize, minFrequency);
    return new TrainedVocabulary(
        merger.tokens(), SPECIAL_TOKENS.size(), merger.merges(), bytes, merger.textTokens());
  }

  private static List<String> alphabet() {
    List<String> tokens = new ArrayList<>(SPECIAL_TOKENS);
    IntStream.range(0, ByteAlphabet.SIZE)
        .map(ByteAlphabet::symbol)
        .sorted()
        .forEach(symbol -> tokens.add(String.valueOf((char) symbol)));
    return tokens;
  }
}
