package bitnet.spark;

import bitnet.checkpoint.ModelSource;
import bitnet.cli.option.BadRecordOptions;
import bitnet.cli.option.ConfigFile;
import bitnet.cli.output.ExitCode;
import bitnet.corpus.CorpusSettings;
import bitnet.corpus.Deduplication;
import bitnet.corpus.DocumentKeys;
import bitnet.corpus.DocumentOrder;
import bitnet.corpus.ShardPart;
import bitnet.corpus.ShardPlan;
import bitnet.data.DocumentReader;
import bitnet.data.ShardManifest;
import bitnet.data.TextFormat;
import bitnet.setting.SettingChecks;
import bitnet.storage.Directories;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet spark tokenize`: a corpus of many files becomes shards of token ids.
@Command(
    name = "tokenize",
    description =
        "Tokenize a corpus of many files into shards that train-ce reads memory-mapped, without"
            + " duplicates and in an order that a seed fixes.",
    sortOptions = false)
final class SparkTokenize implements Callable<Integer> {
  private static final CorpusSettings DEFAULTS = CorpusSettings.defaults();
  private static final int SCANS_PER_CORE = 16;
  private static final long RANGE_BYTES = 64 << 20;

  @Spec private CommandSpec spec;

  @Option(
      names = "--corpus",
      required = true,
      arity = "1..*",
      paramLabel = "PATH",
      description =
          "Plain text (one document per line), JSON or JSONL files: .gz, .zst or Parquet too. A"
              + " file, a directory of them, a pattern with *, or a URI of a Hadoop file system"
              + " (hdfs://, s3a://).")
  private List<String> corpus;

  @Option(
      names = "--tokenizer",
      required = true,
      paramLabel = "T",
      description =
          "default (bundled), bytes, a tokenizer.json, a directory that contains one, or a model.")
  private String tokenizer;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "Directory of the shards, which must not exist.")
  private Path output;

  @Option(
      names = "--text_format",
      paramLabel = "F",
      description =
          "lines, document (each file is one document), json or jsonl (default: detected from each"
              + " file).")
  private @Nullable String textFormat;

  @Option(
      names = "--text_field",
      defaultValue = "text",
      paramLabel = "NAME",
      description = "Field of a record that has its text (default: ${DEFAULT-VALUE}).")
  private String textField;

  @Mixin private BadRecordOptions badRecords;

  @Option(
      names = "--dedup",
      paramLabel = "D",
      description =
          "exact (of documents with the same text one stays) or none (default: ${DEFAULT-VALUE}).")
  private String dedup = DEFAULTS.dedup().key();

  @Option(
      names = "--near_duplicates",
      paramLabel = "X",
      description =
          "Of documents that are connected by estimated Jaccard similarities of at least X (of"
              + " their runs of 5 words, by MinHash) the first stays; above 0 and at most 1; 0: do"
              + " not look for them (default: ${DEFAULT-VALUE}).")
  private double nearDuplicates = DEFAULTS.nearDuplicates();

  @Option(
      names = "--order",
      paramLabel = "O",
      description =
          "Order of the documents: shuffled (by a hash of seed and text) or corpus (as in the"
              + " files) (default: ${DEFAULT-VALUE}).")
  private String order = DEFAULTS.order().key();

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Seed of the shuffled order (default: ${DEFAULT-VALUE}).")
  private long seed = DEFAULTS.seed();

  @Option(
      names = "--shard_tokens",
      paramLabel = "N",
      description =
          "Tokens of each shard but the last, at least 1; a token takes 2 bytes, or 4 for"
              + " vocabularies above 65,536 (default: ${DEFAULT-VALUE}).")
  private long shardTokens = DEFAULTS.shardTokens();

  @Option(
      names = "--partitions",
      paramLabel = "N",
      description =
          "Ranges of documents that are sorted and written at a time, at least 1; affects speed"
              + " only, not results (default: one per core, or more for 64 MB of text each).")
  private @Nullable Integer partitions;

  @Mixin private ClusterOptions cluster;

  @SuppressWarnings("unused") // for its option
  @Mixin
  private ConfigFile.Mixin configFile;

  private SparkTokenize() {}

  @Override
  public Integer call() throws IOException {
    Master _ = cluster.master(); // a wrong one is told before anything is read
    CorpusSettings settings = settings();
    DocumentReader reader =
        new DocumentReader(
            textFormat == null ? null : TextFormat.of(textFormat), textField, badRecords.policy());
    if (partitions != null) {
      SettingChecks.atLeast("partitions", partitions, 1);
    }
    ClusterOptions.requireSpark();
    List<CorpusFile> files = CorpusFiles.of(corpus, cluster.settings());
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    try (Tokenizer opened = openTokenizer();
        ShardOutput directory = ShardOutput.create(output);
        Cluster connected =
            Cluster.connect(cluster, "tokenize", line -> err.println("bitnet: " + line))) {
      opened.save(directory.path());
      out.println(write(connected, files, reader, settings, opened, directory, out));
      directory.commit();
    } finally {
      ExecutorTokenizers.clear();
    }
    out.println("wrote " + output);
    return ExitCode.OK;
  }

  private CorpusSettings settings() {
    return new CorpusSettings(
        DocumentOrder.of(order), seed, Deduplication.of(dedup), nearDuplicates, shardTokens);
  }

  private Tokenizer openTokenizer() throws IOException {
    Path path = Path.of(tokenizer);
    boolean named =
        Tokenizer.NAMES.contains(tokenizer)
            || tokenizer.endsWith(".json")
            || Files.exists(path.resolve("tokenizer.json"));
    if (named) {
      return Tokenizer.named(tokenizer);
    }
    try (ModelSource source = ModelSource.open(path)) {
      return source.tokenizer();
    }
  }

  /// Makes everything but the last step.
  ///
  /// @return a summary
  private String write(
      Cluster connected,
      List<CorpusFile> files,
      DocumentReader reader,
      CorpusSettings settings,
      Tokenizer opened,
      ShardOutput directory,
      PrintWriter out)
      throws IOException {
    int cores = connected.context().defaultParallelism();
    ScanTask.Result scanned = scan(connected, files, reader, directory);
    out.println(summary(files, scanned));
    Path parts = Files.createDirectory(directory.path().resolve("parts"));
    int bytesPerToken =
        opened.vocabSize() > Character.MAX_VALUE + 1 ? Integer.BYTES : Character.BYTES;
    CorpusJob job =
        new CorpusJob(
            reader,
            new DocumentKeys(settings.order(), settings.seed(), files.size()),
            settings,
            directory.path().toString(),
            parts.toString(),
            bytesPerToken,
            partitions == null
                ? Math.clamp(scanned.bytes() / RANGE_BYTES, cores, 100_000)
                : partitions);
    List<ShardPart> written = job.run(connected, files);
    List<ShardTask> tasks = new ArrayList<>();
    for (ShardPlan plan : ShardPlan.of(written, settings.shardTokens(), bytesPerToken)) {
      tasks.add(new ShardTask(plan, parts.toString(), directory.path().toString()));
    }
    List<ShardManifest.Shard> shards = new ArrayList<>();
    connected.run(tasks, shards::add);
    Directories.deleteTree(parts);
    ShardManifest manifest = manifest(settings, opened, bytesPerToken, written, scanned, shards);
    requireUnchanged(manifest, scanned);
    manifest.write(directory.path());
    return summary(manifest);
  }

  private static ScanTask.Result scan(
      Cluster connected, List<CorpusFile> files, DocumentReader reader, ShardOutput directory)
      throws IOException {
    List<ScanTask> tasks = new ArrayList<>();
    int cores = connected.context().defaultParallelism();
    int size = Math.ceilDiv(files.size(), SCANS_PER_CORE * cores);
    String target = directory.path().toString();
    for (int from = 0; from < files.size(); from += size) {
      int to = Math.min(files.size(), from + size);
      tasks.add(new ScanTask(reader, new ArrayList<>(files.subList(from, to)), target));
    }
    ScanTask.Result[] sum = {ScanTask.Result.none()};
    connected.run(tasks, result -> sum[0] = sum[0].plus(result));
    if (sum[0].documents() == 0) {
      throw new IOException(
          "the corpus has no document%s; name files with text"
              .formatted(
                  sum[0].skipped() == 0
                      ? ""
                      : " that can be used, all %d are bad, the first: %s"
                          .formatted(sum[0].skipped(), sum[0].firstReasons().getFirst())));
    }
    return sum[0];
  }

  private static String summary(List<CorpusFile> files, ScanTask.Result scanned) {
    StringBuilder lines = new StringBuilder();
    lines.append(
        String.format(
            Locale.ROOT,
            "corpus: %,d file%s, %,d documents, %,d bytes",
            files.size(),
            files.size() == 1 ? "" : "s",
            scanned.documents(),
            scanned.bytes()));
    if (scanned.skipped() > 0) {
      lines.append(String.format(Locale.ROOT, "; %,d bad records skipped", scanned.skipped()));
      scanned.firstReasons().forEach(reason -> lines.append("\n  ").append(reason));
    }
    return lines.toString();
  }

  private static ShardManifest manifest(
      CorpusSettings settings,
      Tokenizer opened,
      int bytesPerToken,
      List<ShardPart> parts,
      ScanTask.Result scanned,
      List<ShardManifest.Shard> shards) {
    return new ShardManifest(
        opened.digest(),
        opened.vocabSize(),
        opened.endOfText(),
        bytesPerToken,
        settings.shardTokens(),
        parts.stream().mapToLong(ShardPart::documents).sum(),
        parts.stream().mapToLong(ShardPart::bytes).sum(),
        new ShardManifest.Origin(
            settings.order().key(),
            settings.seed(),
            settings.dedup().key(),
            settings.nearDuplicates(),
            parts.stream().mapToLong(ShardPart::exactDuplicates).sum(),
            parts.stream().mapToLong(ShardPart::nearDuplicates).sum(),
            scanned.skipped()),
        shards);
  }

  private static void requireUnchanged(ShardManifest manifest, ScanTask.Result scanned)
      throws IOException {
    long documents =
        manifest.documents()
            + manifest.origin().exactDuplicates()
            + manifest.origin().nearDuplicates();
    if (documents != scanned.documents()) {
      throw new IOException(
          "the corpus had %d documents at first and %d later; leave its files alone meanwhile"
              .formatted(scanned.documents(), documents));
    }
  }

  private static String summary(ShardManifest manifest) {
    ShardManifest.Origin origin = manifest.origin();
    return String.format(
        Locale.ROOT,
        "kept: %,d documents, %,d tokens, %,d bytes in %,d shards; left out: %,d exact and %,d near"
            + " duplicates",
        manifest.documents(),
        manifest.tokens(),
        manifest.bytes(),
        manifest.shards().size(),
        origin.exactDuplicates(),
        origin.nearDuplicates());
  }
}
