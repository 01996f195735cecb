package bitnet.spark;

import bitnet.tokenizer.WordCounts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import scala.Tuple2;

/// The words of text files on a cluster, each with its number of occurrences.
final class WordCountJob {
  private WordCountJob() {}

  /// Counts them.
  ///
  /// @param counts what they are added to
  /// @return the size of the files' text in bytes
  /// @throws TaskRefusal if a file cannot be read
  static long run(Cluster cluster, List<CorpusFile> files, WordCounts counts) throws IOException {
    List<TextSizeTask> tasks = new ArrayList<>();
    files.forEach(file -> tasks.add(new TextSizeTask(file)));
    long[] bytes = {0};
    cluster.run(tasks, size -> bytes[0] += size);
    JavaRDD<Tuple2<String, Long>> words =
        cluster
            .context()
            .parallelize(files, Math.min(files.size(), CorpusJob.MOST_READING_TASKS))
            .mapPartitionsToPair(WordCountJob::words)
            .reduceByKey(Long::sum, cluster.context().defaultParallelism())
            .map(word -> word);
    cluster.forEach(words, word -> counts.add(word._1(), word._2()));
    return bytes[0];
  }

  private static Iterator<Tuple2<String, Long>> words(Iterator<CorpusFile> files) {
    WordCounts counts = new WordCounts();
    try {
      while (files.hasNext()) {
        files.next().read(counts::addFile);
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    List<Tuple2<String, Long>> words = new ArrayList<>();
    counts.forEach((word, occurrences) -> words.add(new Tuple2<>(word, occurrences)));
    return words.iterator();
  }
}
