package bitnet.eval;

import bitnet.data.BadRecordPolicy;
import bitnet.data.DataReport;
import bitnet.data.TextDataset;
import bitnet.data.TextFormat;
import bitnet.data.TokenEncoding;
import bitnet.runtime.KvCache;
import bitnet.storage.ContentDigest;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// How well models foresee a text: the mean loss, -ln p of each token after those before it.
///
/// The text is read in windows of `context` tokens, each `stride` tokens after the one before. A
/// token is predicted once, in the first window that has it, so with a stride below the context it
/// has at least `context - stride` tokens before it, but for the first window. The first token of
/// the text has none and is not predicted. With windows side by side, the stride equal to the
/// context, the value is the held-out loss of training with sequences of that length on the whole
/// of the same text, in the same text format, without masks and not packed by records, but for the
/// rounding of the runtime.
public final class PerplexityEvaluation implements Evaluation<PerplexitySample> {
  private static final int BATCHES_A_CHUNK = 4;

  private final Path file;
  private final TextFormat format;
  private final BadRecordPolicy policy;
  private final OptionalInt context;
  private final OptionalInt stride;
  private final int batchSize;
  private @Nullable Text text;

  /// The file as one model reads it.
  ///
  /// @param model its name
  /// @param bytes of the text and its separators
  private record Text(String model, int[] tokens, long bytes, TokenWindows windows) {}

  /// Windows over a text.
  ///
  /// @param context tokens that a window reads at most
  /// @param stride from the beginning of one to that of the next
  /// @param last the position of the last token of the text
  record TokenWindows(int context, int stride, int last) {

    int count() {
      return 1 + Math.ceilDiv(Math.max(0, last - context), stride);
    }

    /// The first token that a window reads.
    int start(int window) {
      return window * stride;
    }

    /// The last token that a window foretells.
    int end(int window) {
      return (int) Math.min(last, (long) start(window) + context);
    }

    /// The first token that it foretells and no earlier one did.
    int first(int window) {
      return window == 0 ? 1 : end(window - 1) + 1;
    }
  }

  /// An evaluation on a text.
  ///
  /// @param context the length of a window, at least 1; empty for a model's whole context
  /// @param stride at least 1 and at most the context; empty for half of it
  /// @param batchSize windows that are read together; changes the speed only
  public PerplexityEvaluation(
      Path file,
      TextFormat format,
      BadRecordPolicy policy,
      OptionalInt context,
      OptionalInt stride,
      int batchSize) {
    AnswerSettings.requireBatch(batchSize);
    this.file = file;
    this.format = format;
    this.policy = policy;
    this.context = context;
    this.stride = stride;
    this.batchSize = batchSize;
  }

  @Override
  public String task() {
    return "perplexity";
  }

  @Override
  public Class<PerplexitySample> sampleType() {
    return PerplexitySample.class;
  }

  @Override
  public String settings() throws IOException {
    return "%s %s %s %s %s".formatted(format, policy, context, stride, ContentDigest.of(file));
  }

  @Override
  public int size(EvaluatedModel model) throws IOException {
    return text(model).windows().count();
  }

  @Override
  public int chunk() {
    return BATCHES_A_CHUNK * batchSize;
  }

  private Text text(EvaluatedModel model) throws IOException {
    Text known = text;
    if (known == null || !known.model().equals(model.name())) {
      known = read(model);
      text = known;
    }
    return known;
  }

  private Text read(EvaluatedModel model) throws IOException {
    Tokenizer tokenizer = model.tokenizer();
    TokenEncoding encoding =
        TokenEncoding.of(tokenizer, tokenizer.chatTemplate(), tokenizer.vocabSize());
    Path directory = Files.createTempDirectory("bitnet-");
    try (TextDataset data = TextDataset.open(file, format, policy, encoding, directory)) {
      if (data.tokens().size() < 2 || data.tokens().size() > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "%s has %d tokens; give a text of 2 to %d"
                .formatted(file, data.tokens().size(), Integer.MAX_VALUE));
      }
      int[] tokens = new int[(int) data.tokens().size()];
      data.tokens().copy(0, tokens.length, tokens, 0);
      return new Text(model.name(), tokens, bytes(data.report()), windows(model, tokens.length));
    } finally {
      Files.deleteIfExists(directory);
    }
  }

  /// What parts two examples is predicted as the text is. It counts as the byte of a line break,
  /// whether the vocabulary has an end of text for it or not, so that figures of different
  /// vocabularies can be compared.
  private long bytes(DataReport report) {
    return report.bytes() + (format == TextFormat.DOCUMENT ? 0 : report.examples());
  }

  private TokenWindows windows(EvaluatedModel model, int tokens) {
    int length = context.orElse(model.context());
    if (length < 1 || length > model.context()) {
      throw new IllegalArgumentException(
          "context %d is not from 1 to the %d of %s; use %d"
              .formatted(length, model.context(), model.name(), model.context()));
    }
    int step = stride.orElse(Math.max(1, length / 2));
    if (step < 1 || step > length) {
      throw new IllegalArgumentException(
          "stride %d is not from 1 to the context of %d, so tokens would be left out; use %d"
              .formatted(step, length, length));
    }
    return new TokenWindows(length, step, tokens - 1);
  }

  @Override
  public List<PerplexitySample> evaluate(EvaluatedModel model, String run, int from, int to)
      throws IOException {
    List<PerplexitySample> samples = new ArrayList<>();
    for (int window = from; window < to; window += batchSize) {
      samples.addAll(batch(model, run, window, Math.min(to, window + batchSize)));
    }
    return samples;
  }

  private List<PerplexitySample> batch(EvaluatedModel model, String run, int from, int to)
      throws IOException {
    Text read = text(model);
    TokenWindows windows = read.windows();
    List<KvCache> caches = new ArrayList<>();
    List<int[]> inputs = new ArrayList<>();
    List<int[]> targets = new ArrayList<>();
    try {
      for (int window = from; window < to; window++) {
        int start = windows.start(window);
        int end = windows.end(window);
        caches.add(model.llama().newCache(end - start));
        inputs.add(Arrays.copyOfRange(read.tokens(), start, end));
        int[] target = Arrays.copyOfRange(read.tokens(), start + 1, end + 1);
        Arrays.fill(target, 0, windows.first(window) - start - 1, -1);
        targets.add(target);
      }
      double[][] scores = model.llama().score(caches, inputs, targets);
      List<PerplexitySample> samples = new ArrayList<>();
      for (int window = from; window < to; window++) {
        int first = windows.first(window);
        double nats = -Arrays.stream(scores[window - from]).sum();
        samples.add(
            new PerplexitySample(
                run, model.name(), window, first, windows.end(window) - first + 1, nats));
      }
      return samples;
    } finally {
      caches.forEach(KvCache::close);
    }
  }

  /// Bytes are those of the whole text by its tokens, so that the one token that was not predicted
  /// makes no difference.
  @Override
  public ModelResult summarize(EvaluatedModel model, List<PerplexitySample> samples)
      throws IOException {
    Text read = text(model);
    long tokens = samples.stream().mapToLong(PerplexitySample::tokens).sum();
    double perToken = samples.stream().mapToDouble(PerplexitySample::nats).sum() / tokens;
    double perByte = perToken * read.tokens().length / read.bytes();
    return new ModelResult(
        model.name(),
        List.of(
            Metric.of("nats_per_token", perToken, tokens),
            Metric.of("perplexity", Math.exp(perToken), tokens),
            Metric.of("nats_per_byte", perByte, tokens),
            Metric.of("bits_per_byte", perByte / Math.log(2), tokens),
            Metric.of("tokens", (double) tokens, tokens),
            Metric.of("bytes", (double) read.bytes(), tokens)),
        List.of(),
        List.of(),
        List.of());
  }
}
