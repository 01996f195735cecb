package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.data.BadRecordPolicy;
import bitnet.data.DocumentReader;
import bitnet.data.TextDataset;
import bitnet.data.TextFormat;
import bitnet.data.TokenEncoding;
import bitnet.data.TokenStream;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SparkTokenizeTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path PARQUET =
      Path.of("../../src/test/resources/benchmarks/gsm8k/main/train-00000-of-00001.parquet");

  @TempDir private static Path shared;
  @TempDir private Path directory;
  private static List<String> documents;
  private static Path corpus;
  private static Path expected;

  /// 100 paragraphs in two files, 20 of them in both, and some questions in Parquet.
  @BeforeAll
  static void make() throws IOException {
    String text = Files.readString(Path.of("../../data/shakespeare.txt"), StandardCharsets.UTF_8);
    documents = List.of(text.split("\n\n", 101)).subList(0, 100);
    assertThat(new HashSet<>(documents)).hasSize(100);
    corpus = Files.createDirectory(shared.resolve("corpus"));
    Files.writeString(corpus.resolve("b.jsonl"), lines(documents.subList(0, 60)));
    try (OutputStream out =
        new GZIPOutputStream(Files.newOutputStream(corpus.resolve("a.jsonl.gz")))) {
      out.write(lines(documents.subList(40, 100)).getBytes(StandardCharsets.UTF_8));
    }
    Files.copy(PARQUET, shared.resolve("c.parquet"));
    expected = shared.resolve("expected");
    tokenize(expected, "--master=local[2]", "--corpus", corpus, shared.resolve("c.parquet"));
  }

  private static String lines(List<String> texts) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (String text : texts) {
      lines.append(JSON.createObjectNode().put("question", text)).append('\n');
    }
    return lines.toString();
  }

  private static Object[] command(Path output, Object... more) {
    return CommandRun.with(
        new Object[] {
          "spark",
          "tokenize",
          "--tokenizer=default",
          "--text_field=question",
          "--shard_tokens=1000",
          "--output=" + output,
        },
        more);
  }

  private static CommandRun tokenize(Path output, Object... more) {
    return CommandRun.succeeding(command(output, more));
  }

  private static void assertEqualDirectories(Path actual, Path expected) throws IOException {
    try (Stream<Path> files = Files.list(actual)) {
      assertThat(files.map(Path::getFileName)).containsExactlyInAnyOrderElementsOf(names(expected));
    }
    CommandRun.assertEqualModels(actual, expected);
  }

  private static List<Path> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(Path::getFileName).toList();
    }
  }

  private static JsonNode manifest(Path shards) throws IOException {
    return JSON.readTree(shards.resolve("manifest.json").toFile());
  }

  @Test
  void theManifestCountsWhatIsInTheFiles() throws IOException {
    JsonNode manifest = manifest(expected);
    int questions = Math.toIntExact(manifest.path("documents").asLong() - 100);

    assertThat(questions).isPositive();
    assertThat(manifest.at("/origin/exact_duplicates").asLong()).isEqualTo(20);
    assertThat(manifest.at("/tokenizer/digest").asText()).isEqualTo(Tokenizer.bundled().digest());
    long tokens = 0;
    for (JsonNode shard : manifest.path("shards")) {
      assertThat(expected.resolve(shard.path("file").asText()))
          .hasSize(shard.path("tokens").asLong() * 2);
      tokens += shard.path("tokens").asLong();
    }
    assertThat(manifest.path("tokens").asLong()).isEqualTo(tokens).isGreaterThan(3000);
  }

  @ParameterizedTest
  @CsvSource({"local[1], 1", "local[2], 3", "local[3], 7"})
  void shardsAreTheSameWhateverThePartitionsTheMasterAndTheFiles(String master, int partitions)
      throws IOException {
    List<Object> files = new ArrayList<>(List.of("--corpus", shared.resolve("c.parquet")));
    for (int part = 0; part < partitions; part++) {
      Path file = directory.resolve("part-%d.jsonl".formatted(part));
      int size = documents.size();
      Files.writeString(
          file,
          lines(
                  documents
                      .subList(part * size / partitions, (part + 1) * size / partitions)
                      .reversed())
              + (part == 0 ? lines(documents.subList(70, 90)) : ""));
      files.add(file);
    }
    Path actual = directory.resolve("shards");

    tokenize(
        actual,
        CommandRun.with(files.toArray(), "--master=" + master, "--partitions=" + partitions));

    assertEqualDirectories(actual, expected);
  }

  @Test
  void aFileSystemOfHadoopGivesTheSame() throws IOException {
    Path actual = directory.resolve("shards");
    CommandRun run =
        tokenize(
            actual,
            "--master=local[2]",
            "--conf=spark.hadoop.fs.copied.impl=" + CopiedFileSystem.class.getName(),
            "--corpus",
            "copied://" + corpus.resolve("*.jsonl*"),
            "copied://" + shared.resolve("c.parquet"));

    assertThat(run.out()).startsWith("corpus: 3 files, ");
    assertEqualDirectories(actual, expected);
  }

  private static List<Integer> tokens(Path dataset, @Nullable TextFormat format, Tokenizer of)
      throws IOException {
    try (TextDataset opened =
        TextDataset.open(
            dataset,
            format,
            BadRecordPolicy.STOP,
            TokenEncoding.of(of, Optional.empty(), of.vocabSize()),
            shared)) {
      TokenStream stream = opened.tokens();
      int[] ids = new int[Math.toIntExact(stream.size())];
      stream.copy(0, ids.length, ids, 0);
      return Arrays.stream(ids).boxed().toList();
    }
  }

  @ParameterizedTest
  @CsvSource({"default, lines", "bytes, lines", "bytes, document"})
  void inTheOrderOfTheCorpusTokensAndTrainingAreThoseOfTheText(String tokenizer, String format)
      throws IOException {
    Path text = directory.resolve("text.txt");
    Files.writeString(text, String.join("\n", documents).replace("\n\n", "\n").repeat(2));
    Path shards = directory.resolve("shards");
    CommandRun.succeeding(
        "spark",
        "tokenize",
        "--master=local[2]",
        "--corpus=" + text,
        "--text_format=" + format,
        "--tokenizer=" + tokenizer,
        "--dedup=none",
        "--order=corpus",
        "--partitions=1",
        "--shard_tokens=5000",
        "--output=" + shards);

    try (Tokenizer opened =
        tokenizer.equals("bytes") ? Tokenizer.byteLevel() : Tokenizer.bundled()) {
      assertThat(tokens(shards, null, opened))
          .isEqualTo(tokens(text, TextFormat.of(format), opened));
    }
    if (format.equals("document")) {
      assertTrainingIsTheSame(text, shards);
    }
  }

  private void assertTrainingIsTheSame(Path text, Path shards) throws IOException {
    Path model = CommandRun.tinyModel(directory.resolve("model"));
    Path ofText = directory.resolve("of-text");
    CommandRun.succeeding(CommandRun.with(training(model, text, ofText), "--text_format=document"));
    Path ofShards = directory.resolve("of-shards");
    CommandRun.succeeding(training(model, shards, ofShards));
    CommandRun.assertEqualModels(ofShards.resolve("model"), ofText.resolve("model"));

    Path joined = directory.resolve("joined");
    CommandRun.succeeding(
        CommandRun.with(
            CommandRun.with(new Object[] {"spark"}, training(model, shards, joined)),
            "--master=none",
            "--workers=1",
            "--outer_lr=1",
            "--outer_momentum=0"));
    CommandRun.assertEqualModels(joined.resolve("model"), ofText.resolve("model"));

    CommandRun resumed =
        CommandRun.of(
            CommandRun.with(
                training(model, text, ofShards), "--text_format=document", "--resume=auto"));
    assertThat(resumed.err()).contains("the content of dataset has changed");
  }

  private static Object[] training(Path model, Path dataset, Path output) {
    return new Object[] {
      "train-ce",
      "--dataset=" + dataset,
      "--model_path=" + model,
      "--iters=4",
      "--batch_size=2",
      "--seq_len=16",
      "--eval_interval=0",
      "--threads=1",
      "--dtype=fp32",
      "--output_dir=" + output,
    };
  }

  @Test
  void ofDocumentsThatAreNearInAChainTheFirstStays() throws IOException {
    List<String> words = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      words.add("w" + Integer.toString(i * 7919 % 99991, 36));
    }
    String one = String.join(" ", words.subList(0, 60));
    String two = String.join(" ", words.subList(10, 70)); // 46 of 66 runs of 5 words in common
    String three = String.join(" ", words.subList(22, 82)); // 44 of 68 with two, 34 of 78 with one
    String other = String.join(" ", words.subList(200, 260));
    Path file = directory.resolve("near.jsonl");
    Files.writeString(file, lines(List.of(other, one, three, one + ".", two, one, other + "!")));
    Path shards = directory.resolve("shards");

    CommandRun run =
        tokenize(
            shards,
            "--master=local[2]",
            "--partitions=3",
            "--order=corpus",
            "--near_duplicates=0.55",
            "--corpus=" + file);

    assertThat(run.out()).contains("kept: 2 documents").contains("1 exact and 4 near duplicates");
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      int[] ids = tokens(shards, null, tokenizer).stream().mapToInt(Integer::intValue).toArray();
      assertThat(tokenizer.decode(ids)).isEqualTo(other + one);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--master=nowhere | 2 | --master nowhere is not the address of a Spark master; use"
            + " local[2], spark://HOST:7077, yarn or k8s://https://HOST:PORT",
        "--corpus=DIR/none.txt | 1 | DIR/none.txt: no such file or directory",
        "--corpus=DIR/corpus/b.jsonl | 1 | DIR/corpus/b.jsonl is named twice; name it once",
        "--corpus=DIR | 1 | DIR has files of several kinds (jsonl, parquet); choose with a pattern"
            + " like 'DIRECTORY/*.jsonl'",
        "--corpus=none://x/y | 1 | none://x/y cannot be read (No FileSystem for scheme \"none\");"
            + " set its spark.hadoop settings with --conf, and put the jars of its file system on"
            + " BITNET_CLASS_PATH",
        "--tokenizer=DIR/corpus/b.json | 1 | DIR/corpus/b.json: no such file; name a tokenizer.json"
            + " or a directory that holds one",
        "--output=DIR/corpus | 2 | DIR/corpus exists already; name another output, or delete it",
        "--text_format=xml | 2 | --text_format \"xml\" is unknown; use one of lines, document,"
            + " jsonl, json",
        "--dedup=all | 2 | --dedup \"all\" is unknown; use one of exact, none",
        "--order=random | 2 | --order \"random\" is unknown; use one of shuffled, corpus",
        "--shard_tokens=0 | 2 | --shard_tokens 0 must be at least 1",
        "--partitions=0 | 2 | --partitions 0 must be at least 1",
        "--near_duplicates=2 | 2 | --near_duplicates 2.0 is not above 0 and at most 1; use 0.8",
      })
  void whatCannotWorkIsToldInOneLine(String option, int exitCode, String message)
      throws IOException {
    Path place = Files.createDirectory(directory.resolve("place"));
    Files.writeString(shared.resolve("d.jsonl"), lines(documents));
    String replaced = option.replace("DIR", shared.toString());
    String name = replaced.substring(0, replaced.indexOf('=') + 1);
    Object[] others =
        Arrays.stream(command(place.resolve("shards"), "--corpus=" + corpus.resolve("b.jsonl")))
            .filter(each -> name.equals("--corpus=") || !each.toString().startsWith(name))
            .toArray();

    CommandRun run = CommandRun.of(CommandRun.with(others, replaced));

    assertThat(run.err())
        .isEqualTo(
            "bitnet: %s%n"
                .formatted(
                    message
                        .replace("DIRECTORY", "D")
                        .replace("DIR", shared.toString())
                        .replace("'D/", "'DIR/")));
    assertThat(run.exitCode()).isEqualTo(exitCode);
    assertThat(place).isEmptyDirectory();
  }

  @Test
  void aBadRecordStopsBeforeAnythingIsWrittenOrIsLeftOut() throws IOException {
    Path file = directory.resolve("bad.jsonl");
    Files.writeString(file, lines(documents.subList(0, 2)) + "{\"text\": \"a\"}\n{\"que\n");
    Path place = Files.createDirectory(directory.resolve("place"));
    Path shards = place.resolve("shards");
    CommandRun run = CommandRun.of(command(shards, "--master=local[2]", "--corpus=" + file));

    assertThat(run.err())
        .isEqualTo(
            "bitnet: %s:3: the record has no field \"question\"; add or rename the field, or name another one with --text_field, or leave such records out with --on_bad_record skip%n"
                .formatted(file));
    assertThat(place).isEmptyDirectory();

    CommandRun skipping =
        tokenize(shards, "--master=local[2]", "--corpus=" + file, "--on_bad_record=skip");
    assertThat(skipping.out())
        .contains("; 2 bad records skipped")
        .contains(file + ":3: the record has no field \"question\"")
        .contains(file + ":4: not JSON: ");
    assertThat(manifest(shards).at("/origin/bad_records").asInt()).isEqualTo(2);
  }

  private static ScanTask scan(Path output, Path... files) {
    ArrayList<CorpusFile> corpus = new ArrayList<>();
    for (Path file : files) {
      corpus.add(new CorpusFile(corpus.size(), file.toString()));
    }
    return new ScanTask(
        new DocumentReader(null, "text", BadRecordPolicy.STOP), corpus, output.toString());
  }

  @Test
  void anExecutorSaysWhatItCannotRead() throws IOException {
    Path gone = directory.resolve("gone.txt");
    assertThatThrownBy(() -> scan(directory, gone).run())
        .isInstanceOf(TaskRefusal.class)
        .hasMessage(
            "this process: %s: no such file or directory; executors need the files at the same"
                + " paths as the driver",
            gone);

    assertThatThrownBy(() -> scan(gone, corpus.resolve("b.jsonl")).run())
        .isInstanceOf(TaskRefusal.class)
        .hasMessageStartingWith("this process: " + gone + ": no such file or directory; executors");

    Path cut = directory.resolve("cut.parquet");
    byte[] whole = Files.readAllBytes(PARQUET);
    Files.write(cut, Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> scan(directory, cut).run())
        .isInstanceOf(TaskRefusal.class)
        .hasMessage(
            "%s: its Parquet content cannot be read (the file does not end with PAR1, so it is cut"
                + " off or encrypted); download or write the file again",
            cut);

    Path broken = directory.resolve("broken.jsonl");
    Files.writeString(broken, "{\"text\": \"a\"}\n{\"text\": \n");
    assertThatThrownBy(() -> scan(directory, broken).run())
        .isInstanceOf(TaskRefusal.class)
        .hasMessageStartingWith(broken + ":2: not JSON: ");
  }

  @Test
  void anEmptyCorpusIsRefused() throws IOException {
    Path empty = Files.writeString(directory.resolve("empty.txt"), "");
    CommandRun run =
        CommandRun.of(
            command(directory.resolve("shards"), "--master=local[2]", "--corpus=" + empty));

    assertThat(run.err())
        .isEqualTo("bitnet: the corpus has no document; name files with text%n".formatted());
  }
}
