package bitnet.data;

import bitnet.storage.TextInput;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A training text as one stream of tokens, example after example.
///
/// An example is followed by the end-of-text token; where the vocabulary has none, by the tokens of
/// a line break, and in a [TextFormat#DOCUMENT] by nothing. Texts of more than a million characters
/// are tokenized in parts, cut after a line break or before a space.
///
/// Opening reads and checks the whole file once and writes its tokens to a temporary file that is
/// mapped, not loaded, so that the text may be larger than memory. A directory of token shards
/// ([ShardManifest]) is mapped as it is.
public final class TextDataset implements Closeable {
  private final Closeable source;
  private final TokenStream tokens;
  private final DataReport report;

  private TextDataset(Closeable source, TokenStream tokens, DataReport report) {
    this.source = source;
    this.tokens = tokens;
    this.report = report;
  }

  /// Reads, checks and tokenizes a dataset.
  ///
  /// @param dataset a file, a pipe, what [DataFiles] takes several files from, or a directory of
  ///     token shards
  /// @param format null to tell it from the file, see [TextFormat#detect(TextInput)]
  /// @param directory where the temporary file lives (2 bytes per token, 4 for vocabularies above
  ///     65,536); made if it is not there
  /// @throws BadRecordException if the file has no text, or, unless these are skipped, a bad record
  /// @throws IOException if it cannot be read, or its tokens cannot be written
  /// @throws IllegalArgumentException if the tokenizer gives ids outside its vocabulary
  public static TextDataset open(
      Path dataset,
      @Nullable TextFormat format,
      BadRecordPolicy policy,
      TokenEncoding encoding,
      Path directory)
      throws IOException {
    return open(dataset, format, policy, LossMask.NONE, Packing.STREAM, encoding, directory);
  }

  /// The same with tokens that are only read, and with records that stay whole.
  ///
  /// @param mask which; with one, tokens take 4 bytes
  /// @param packing with [Packing#RECORDS], [#tokens] can be given to a [RecordPacking]
  /// @throws BadRecordException also if no example has a prompt to mask
  /// @throws IllegalArgumentException also if a document is to be packed by records
  public static TextDataset open(
      Path dataset,
      @Nullable TextFormat format,
      BadRecordPolicy policy,
      LossMask mask,
      Packing packing,
      TokenEncoding encoding,
      Path directory)
      throws IOException {
    if (TokenShards.isAt(dataset)) {
      return ofShards(dataset, format, mask, packing, encoding);
    }
    TokenCache cache = new TokenCache(directory, encoding.vocabSize(), mask, packing);
    try {
      BadRecords bad = new BadRecords(dataset, policy);
      ExampleTokenizer intake = null;
      for (Path file : DataFiles.of(dataset)) {
        bad.enter(file);
        try (TextInput in = TextInput.openData(file)) {
          TextFormat known = TextFormat.of(in, format);
          requireExamples(file, known, packing);
          intake = intake == null ? new ExampleTokenizer(known, encoding, mask, cache) : intake;
          new TextReader(in.stream(), intake, bad).read(known, encoding.chatTemplate());
        }
      }
      DataReport report = Objects.requireNonNull(intake).report(bad);
      return new TextDataset(cache, cache.stream(), report);
    } catch (IOException | RuntimeException failure) {
      cache.close();
      throw failure;
    }
  }

  private static TextDataset ofShards(
      Path dataset,
      @Nullable TextFormat format,
      LossMask mask,
      Packing packing,
      TokenEncoding encoding)
      throws IOException {
    if (format != null) {
      throw new IllegalArgumentException(
          "text_format %s does not fit %s, which holds tokens; leave it out"
              .formatted(format.key(), dataset));
    }
    if (mask != LossMask.NONE) {
      throw new IllegalArgumentException(
          "completion_only_loss needs records with questions, and %s holds tokens; leave it out"
              .formatted(dataset));
    }
    TokenShards shards = TokenShards.open(dataset, encoding);
    try {
      return new TextDataset(shards, shards.tokens(packing), shards.report());
    } catch (IOException | RuntimeException failure) {
      shards.close();
      throw failure;
    }
  }

  private static void requireExamples(Path file, TextFormat format, Packing packing) {
    if (packing == Packing.RECORDS && format == TextFormat.DOCUMENT) {
      throw new IllegalArgumentException(
          "packing records needs examples, and the document %s is one; use `packing` stream"
              .formatted(file));
    }
  }

  /// All tokens; readable until this dataset is closed.
  public TokenStream tokens() {
    return tokens;
  }

  /// What was read.
  public DataReport report() {
    return report;
  }

  /// Parts the text: the first `(1 - evalFraction)` of its tokens to train on, the rest held out.
  /// Records that are to stay whole do so: the cut is before the next one.
  ///
  /// @param evalFraction from 0 (nothing held out) to below 1
  /// @throws IllegalArgumentException if it is not in that range
  public Split split(double evalFraction) {
    if (!(evalFraction >= 0 && evalFraction < 1)) {
      throw new IllegalArgumentException(
          "eval_fraction %s is not from 0 to below 1; use 0.1".formatted(evalFraction));
    }
    long cut = (long) (tokens.size() * (1 - evalFraction));
    if (tokens.hasRecords()) {
      int record = tokens.part(cut, tokens.size()).records();
      cut = record == 0 ? tokens.size() : tokens.recordStart(tokens.records() - record);
    }
    return new Split(tokens.part(0, cut), tokens.part(cut, tokens.size()));
  }

  /// The two parts of a text.
  ///
  /// @param training what the model learns from
  /// @param heldOut what it never sees in training; may be empty
  public record Split(TokenStream training, TokenStream heldOut) {}

  /// Frees the mapping and its file. Streams of this dataset cannot be read any more.
  @Override
  public void close() throws IOException {
    source.close();
  }
}
