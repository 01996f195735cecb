package bitnet.eval;

import bitnet.data.BadRecordPolicy;
import bitnet.data.DataFiles;
import bitnet.data.DataReport;
import bitnet.data.LossMask;
import bitnet.data.Packing;
import bitnet.data.TextDataset;
import bitnet.data.TextFormat;
import bitnet.data.TokenEncoding;
import bitnet.data.TokenStream;
import bitnet.runtime.KvCache;
import bitnet.storage.ContentDigest;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.OptionValues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// How well models predict a text: the mean loss, -ln p of each token after those before it.
///
/// With [Packing#STREAM] the text is read in windows of `context` tokens, each `stride` tokens
/// after the one before. A token is predicted once, in the first window that has it, so with a
/// stride below the context it has at least `context - stride` tokens before it, but for the first
/// window. The first token of the text has none and is not predicted. With windows side by side,
/// the stride equal to the context, the value is the held-out loss of training with sequences of
/// that length on the whole of the same text, in the same text format and with the same mask, but
/// for the rounding of the runtime.
///
/// With [Packing#RECORDS] every record is read by itself from position 0, up to `context` of its
/// tokens; the value is then the held-out loss of training with that packing.
public final class PerplexityEvaluation implements Evaluation<PerplexitySample> {
  private static final int BATCHES_A_CHUNK = 4;

  private final Path file;
  private final TextFormat format;
  private final BadRecordPolicy policy;
  private final LossMask mask;
  private final Packing packing;
  private final OptionalInt context;
  private final OptionalInt stride;
  private final int batchSize;
  private @Nullable Text text;

  /// The file as one model reads it.
  ///
  /// @param model its name
  /// @param tokens ids
  /// @param targets the same, -1 where a token is masked
  /// @param bytes of the text and its separators
  private record Text(String model, int[] tokens, int[] targets, long bytes, TokenWindows windows) {

    private boolean isMasked() {
      return Arrays.stream(targets).anyMatch(target -> target < 0);
    }
  }

  /// An evaluation on a text.
  ///
  /// @param mask tokens that are only read
  /// @param context the length of a window, at least 1; empty for a model's whole context
  /// @param stride at least 1 and at most the context; empty for half of it, and for records
  /// @param batchSize windows that are read together; changes the speed only
  /// @throws IllegalArgumentException if a stride is given for records
  public PerplexityEvaluation(
      Path file,
      TextFormat format,
      BadRecordPolicy policy,
      LossMask mask,
      Packing packing,
      OptionalInt context,
      OptionalInt stride,
      int batchSize) {
    AnswerSettings.requireBatch(batchSize);
    if (packing == Packing.RECORDS && stride.isPresent()) {
      throw new IllegalArgumentException(
          "stride %d has no effect with packing records, whose windows are the records; leave it out"
              .formatted(stride.getAsInt()));
    }
    this.file = file;
    this.format = format;
    this.policy = policy;
    this.mask = mask;
    this.packing = packing;
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
  public OptionValues options() throws IOException {
    return new OptionValues()
        .put("text_format", format.key())
        .put("on_bad_record", policy.key())
        .put("completion_only_loss", mask != LossMask.NONE)
        .put("packing", packing.key())
        .put("context", shown(context))
        .put("stride", shown(stride))
        .putContent("dataset", digest());
  }

  private static String shown(OptionalInt setting) {
    return setting.isPresent() ? Integer.toString(setting.getAsInt()) : "not set";
  }

  @Override
  public Optional<String> formerSettings() throws IOException {
    boolean known = mask == LossMask.NONE && packing == Packing.STREAM;
    return known
        ? Optional.of("%s %s %s %s %s".formatted(format, policy, context, stride, digest()))
        : Optional.empty();
  }

  private String digest() throws IOException {
    List<String> digests = new ArrayList<>();
    for (Path each : DataFiles.of(file)) {
      digests.add(ContentDigest.of(each));
    }
    return String.join(" ", digests);
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
    try (TextDataset data =
        TextDataset.open(file, format, policy, mask, packing, encoding, directory)) {
      TokenStream stream = data.tokens();
      if (stream.size() < 2 || stream.size() > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "%s has %d tokens; give a text of 2 to %d"
                .formatted(file, stream.size(), Integer.MAX_VALUE));
      }
      if (!stream.hasTargets()) {
        throw new IllegalArgumentException(
            file + " has no token to predict: all are masked; give records with answers");
      }
      int[] tokens = new int[(int) stream.size()];
      stream.copy(0, tokens.length, tokens, 0);
      int[] targets = new int[tokens.length];
      stream.copyTargets(0, targets.length, targets, 0);
      return new Text(model.name(), tokens, targets, bytes(data.report()), windows(model, stream));
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

  private TokenWindows windows(EvaluatedModel model, TokenStream stream) {
    int length = context.orElse(model.context());
    if (length < 1 || length > model.context()) {
      throw new IllegalArgumentException(
          "context %d is not from 1 to the %d of %s; use %d"
              .formatted(length, model.context(), model.name(), model.context()));
    }
    if (packing == Packing.RECORDS) {
      return TokenWindows.ofRecords(stream, length);
    }
    int step = stride.orElse(Math.max(1, length / 2));
    if (step < 1 || step > length) {
      throw new IllegalArgumentException(
          "stride %d is not from 1 to the context of %d, so tokens would be left out; use %d"
              .formatted(step, length, length));
    }
    return new TokenWindows.Sliding(length, step, (int) stream.size() - 1);
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
        int[] target = Arrays.copyOfRange(read.targets(), start + 1, end + 1);
        Arrays.fill(target, 0, windows.first(window) - start - 1, -1);
        targets.add(target);
      }
      double[][] scores = model.llama().score(caches, inputs, targets);
      List<PerplexitySample> samples = new ArrayList<>();
      for (int window = from; window < to; window++) {
        int predicted =
            (int) Arrays.stream(targets.get(window - from)).filter(it -> it >= 0).count();
        double nats = -Arrays.stream(scores[window - from]).sum();
        samples.add(
            new PerplexitySample(
                run, model.name(), window, windows.first(window), predicted, nats));
      }
      return samples;
    } finally {
      caches.forEach(KvCache::close);
    }
  }

  /// Bytes are those of the whole text by its tokens, so that tokens that were not predicted
  /// because none is before them make no difference; where others are masked there are no figures
  /// by byte.
  @Override
  public ModelResult summarize(EvaluatedModel model, List<PerplexitySample> samples)
      throws IOException {
    Text read = text(model);
    long tokens = samples.stream().mapToLong(PerplexitySample::tokens).sum();
    double perToken = samples.stream().mapToDouble(PerplexitySample::nats).sum() / tokens;
    List<Metric> metrics = new ArrayList<>();
    metrics.add(Metric.of("nats_per_token", perToken, tokens));
    metrics.add(Metric.of("perplexity", Math.exp(perToken), tokens));
    if (!read.isMasked()) {
      double perByte = perToken * read.tokens().length / read.bytes();
      metrics.add(Metric.of("nats_per_byte", perByte, tokens));
      metrics.add(Metric.of("bits_per_byte", perByte / Math.log(2), tokens));
    }
    metrics.add(Metric.of("tokens", (double) tokens, tokens));
    metrics.add(Metric.of("bytes", (double) read.bytes(), tokens));
    return new ModelResult(model.name(), metrics, List.of(), List.of(), List.of());
  }
}
