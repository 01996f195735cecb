package bitnet.spark;

import bitnet.cli.commands.TrainTokenizer;
import bitnet.tokenizer.BpeTrainer;
import bitnet.tokenizer.TrainedVocabulary;
import bitnet.tokenizer.WordCounts;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

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
    long bytes;
    try (Cluster connected =
        Cluster.connect(cluster, "train-tokenizer", line -> err.println("bitnet: " + line))) {
      bytes = WordCountJob.run(connected, files, counts);
    }
    return trainer.train(counts, bytes);
  }
}
