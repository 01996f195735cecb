package bitnet.spark;

import bitnet.corpus.CorpusSettings;
import bitnet.corpus.Deduplication;
import bitnet.corpus.DocumentKeys;
import bitnet.corpus.EncodedDocument;
import bitnet.corpus.MinHash;
import bitnet.corpus.PartWriter;
import bitnet.corpus.ShardPart;
import bitnet.data.DocumentReader;
import bitnet.data.DocumentTokenizer;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import scala.Tuple2;

/// The documents of a corpus on a cluster: tokenized, put in order without their duplicates, and
/// written in parts. Nothing but counts comes to the driver.
///
/// @param reader of documents
/// @param keys of documents
/// @param settings what becomes of them
/// @param tokenizer the directory that has it
/// @param parts the directory of the parts
/// @param bytesPerToken 2 or 4
/// @param ranges how many parts
record CorpusJob(
    DocumentReader reader,
    DocumentKeys keys,
    CorpusSettings settings,
    String tokenizer,
    String parts,
    int bytesPerToken,
    int ranges)
    implements Serializable {
  /// Files share a task where there are more.
  static final int MOST_READING_TASKS = 10_000;

  // behind a document's key; a mark that it is a duplicate comes before the document
  private static final byte EXACT_DUPLICATE = 0;
  private static final byte NEAR_DUPLICATE = 1;
  private static final byte DOCUMENT = 2;

  /// Runs it.
  ///
  /// @return the parts, in order
  List<ShardPart> run(Cluster cluster, List<CorpusFile> corpus) throws IOException {
    JavaRDD<CorpusFile> files =
        cluster.context().parallelize(corpus, Math.min(corpus.size(), MOST_READING_TASKS));
    JavaPairRDD<byte[], byte[]> all = files.mapPartitionsToPair(this::tokenized);
    if (settings.dedup() == Deduplication.EXACT) {
      all = all.union(duplicates(cluster, files));
    }
    JavaRDD<ShardPart> written =
        all.repartitionAndSortWithinPartitions(new KeyRanges(keys, ranges), KeyOrder.UNSIGNED)
            .mapPartitionsWithIndex(this::write, true);
    return cluster.collect(written).stream()
        .sorted(Comparator.comparingInt(ShardPart::number))
        .toList();
  }

  private Iterator<Tuple2<byte[], byte[]>> tokenized(Iterator<CorpusFile> files) {
    DocumentTokenizer documents =
        new DocumentTokenizer(ExecutorTokenizers.encoding(tokenizer), reader.wholeFiles());
    return new Expanded<>(
        new CorpusDocuments(files, reader),
        (document, sink) -> {
          String text = document.text();
          byte[] key = keys.of(DocumentKeys.hash(text), document.file(), document.number());
          byte[] encoded =
              EncodedDocument.of(
                  documents.tokens(text),
                  text.getBytes(StandardCharsets.UTF_8).length,
                  bytesPerToken);
          sink.accept(new Tuple2<>(KeyOrder.joined(key, DOCUMENT), encoded));
        });
  }

  /// Marks of the documents that are left out.
  private JavaPairRDD<byte[], byte[]> duplicates(Cluster cluster, JavaRDD<CorpusFile> files)
      throws IOException {
    JavaPairRDD<byte[], byte[]> named =
        files
            .mapPartitionsToPair(this::names)
            .repartitionAndSortWithinPartitions(
                new KeyGroups(DocumentKeys.HASH_BYTES, ranges), KeyOrder.UNSIGNED);
    JavaPairRDD<byte[], byte[]> exact =
        named.mapPartitionsToPair(sorted -> copies(sorted, false, EXACT_DUPLICATE));
    if (!settings.findsNearDuplicates()) {
      return exact;
    }
    JavaPairRDD<byte[], byte[]> first = named.mapPartitionsToPair(sorted -> copies(sorted, true));
    NearDuplicates near =
        new NearDuplicates(MinHash.of(settings.nearDuplicates()), keys.bytes(), ranges);
    return exact.union(
        near.find(cluster, first)
            .mapToPair(key -> new Tuple2<>(KeyOrder.joined(key._1(), NEAR_DUPLICATE), key._2())));
  }

  /// The names of texts with the keys of their documents behind them, and their signatures if near
  /// duplicates are looked for.
  private Iterator<Tuple2<byte[], byte[]>> names(Iterator<CorpusFile> files) {
    MinHash minHash = settings.findsNearDuplicates() ? MinHash.of(settings.nearDuplicates()) : null;
    return new Expanded<>(
        new CorpusDocuments(files, reader),
        (document, sink) -> {
          byte[] hash = DocumentKeys.hash(document.text());
          byte[] key = keys.of(hash, document.file(), document.number());
          byte[] signature = minHash == null ? new byte[0] : minHash.signature(document.text());
          sink.accept(new Tuple2<>(KeyOrder.joined(hash, key), signature));
        });
  }

  /// The keys of the documents of each text: of the first one, or of all others.
  ///
  /// @param sorted names with keys behind them
  /// @param more what to put behind each key
  private static Iterator<Tuple2<byte[], byte[]>> copies(
      Iterator<Tuple2<byte[], byte[]>> sorted, boolean first, byte... more) {
    byte[][] last = {new byte[0]};
    return new Expanded<>(
        sorted,
        (name, sink) -> {
          byte[] hash = Arrays.copyOf(name._1(), DocumentKeys.HASH_BYTES);
          if (first != Arrays.equals(hash, last[0])) {
            byte[] key = Arrays.copyOfRange(name._1(), hash.length, name._1().length);
            sink.accept(new Tuple2<>(KeyOrder.joined(key, more), first ? name._2() : new byte[0]));
          }
          last[0] = hash;
        });
  }

  private Iterator<ShardPart> write(Integer range, Iterator<Tuple2<byte[], byte[]>> sorted) {
    try (PartWriter writer = new PartWriter(Path.of(parts), range, bytesPerToken)) {
      byte[] mark = {};
      while (sorted.hasNext()) {
        Tuple2<byte[], byte[]> next = sorted.next();
        byte[] key = next._1();
        if (key[key.length - 1] != DOCUMENT) {
          mark = key;
        } else if (!isMarked(key, mark)) {
          writer.add(next._2());
        } else if (mark[mark.length - 1] == EXACT_DUPLICATE) {
          writer.skipExactDuplicate();
        } else {
          writer.skipNearDuplicate();
        }
      }
      return List.of(writer.finish()).iterator();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /// Whether a mark is of the document, which it comes before.
  private static boolean isMarked(byte[] key, byte[] mark) {
    return mark.length == key.length && Arrays.mismatch(key, mark) == key.length - 1;
  }
}
