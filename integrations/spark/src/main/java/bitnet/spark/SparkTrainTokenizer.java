package bitnet.spark;

import bitnet.cli.commands.TrainTokenizer;
import bitnet.tokenizer.BpeTrainer;
import bitnet.tokenizer.TrainedVocabulary;
import bitnet.tokenizer.WordCounts;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import scala.Tuple2;

/// `bitnet spark train-tokenizer`: `bitnet train-tokenizer`, with words that executors count.
@Command(
    name = "train-tokenizer",
    description =
        "Train a byte-level BPE tokenizer like bitnet train-tokenizer, with the words of the text"
            + " files counted by the executors of a cluster. --corpus also takes directories,"
            + " patterns with * and URIs of Hadoop file systems.")
final class SparkTrainTokenizer extends TrainTokenizer {
  @Mixin private ClusterOptions cluster;

  private SparkTrainTokenizer() {}

  @Override
  public Integer call() throws IOException {
    Master _ = cluster.master(); // a wrong one is told before anything is read
    ClusterOptions.requireSpark();
    return super.call();
  }

  @Override
  protected TrainedVocabulary train(BpeTrainer trainer, List<String> texts) throws IOException {
    List<CorpusFile> files = CorpusFiles.of(texts, cluster.settings());
    PrintWriter err = spec().commandLine().getErr();
    WordCounts counts = new WordCounts();
    long[] bytes = {0};
    try (Cluster connected =
        Cluster.connect(cluster, "train-tokenizer", line -> err.println("bitnet: " + line))) {
      List<TextSizeTask> tasks = new ArrayList<>();
      files.forEach(file -> tasks.add(new TextSizeTask(file)));
      connected.run(tasks, size -> bytes[0] += size);
      JavaRDD<Tuple2<String, Long>> words =
          connected
              .context()
              .parallelize(files, files.size())
              .mapPartitionsToPair(SparkTrainTokenizer::words)
              .reduceByKey(Long::sum, connected.context().defaultParallelism())
              .map(word -> word);
      connected.forEach(words, word -> counts.add(word._1(), word._2()));
    }
    return trainer.train(counts, bytes[0]);
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
