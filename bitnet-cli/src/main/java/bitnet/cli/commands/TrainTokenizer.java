package bitnet.cli.commands;

import bitnet.cli.output.ExitCode;
import bitnet.tokenizer.BpeTrainer;
import bitnet.tokenizer.TrainedVocabulary;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `bitnet train-tokenizer`: a byte-level BPE from text files, whose words are counted in this
/// process; a subclass may do it elsewhere.
@Command(
    name = "train-tokenizer",
    description = "Train a byte-level BPE tokenizer on text files and write its tokenizer.json.",
    mixinStandardHelpOptions = true)
public class TrainTokenizer implements Callable<Integer> {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Option(
      names = "--corpus",
      required = true,
      arity = "1..*",
      paramLabel = "FILE",
      description =
          "UTF-8 text files to train on; read line by line, so they may exceed memory."
              + " Each is read once: a file or a pipe.")
  private List<String> corpus;

  @Option(
      names = {"--vocab_size", "--vocab-size"},
      defaultValue = "4096",
      paramLabel = "N",
      description =
          "Vocabulary size, including the 256 bytes and the special tokens <|endoftext|> "
              + "and <|pad|>; at least 258 (default: ${DEFAULT-VALUE}).")
  private int vocabSize;

  @Option(
      names = {"--min_frequency", "--min-frequency"},
      defaultValue = "2",
      paramLabel = "K",
      description =
          "Minimum number of occurrences of a pair that is merged (default: "
              + "${DEFAULT-VALUE}).")
  private int minFrequency;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "PATH",
      description =
          "A file that ends in .json, or a directory that receives tokenizer.json and "
              + "tokenizer_config.json.")
  private Path output;

  protected TrainTokenizer() {}

  @Override
  public Integer call() throws IOException {
    BpeTrainer trainer = new BpeTrainer(vocabSize, minFrequency);
    boolean intoDirectory = Files.isDirectory(output) || !output.toString().endsWith(".json");
    Path file = intoDirectory ? output.resolve("tokenizer.json") : output;
    TrainedVocabulary vocabulary = train(trainer, corpus);
    if (intoDirectory) {
      vocabulary.save(output);
    } else {
      vocabulary.write(output);
    }
    report(vocabulary, file);
    return ExitCode.OK;
  }

  /// Trains.
  ///
  /// @param texts what the user named
  /// @throws IOException if a text cannot be read
  protected TrainedVocabulary train(BpeTrainer trainer, List<String> texts) throws IOException {
    return trainer.train(texts.stream().map(Path::of).toList());
  }

  /// The command's own description, with its output.
  protected final CommandLine.Model.CommandSpec spec() {
    return spec;
  }

  private void report(TrainedVocabulary vocabulary, Path file) {
    int size = vocabulary.tokens().size();
    PrintWriter out = spec.commandLine().getOut();
    out.printf(Locale.ROOT, "vocabulary   %d tokens%n", size);
    out.printf(Locale.ROOT, "merges       %d%n", vocabulary.merges().size());
    out.printf(
        Locale.ROOT,
        "compression  %.3f bytes per token (%d bytes, %d tokens)%n",
        vocabulary.bytesPerToken(),
        vocabulary.corpusBytes(),
        vocabulary.corpusTokens());
    out.printf("written to   %s%n", file);
    if (size < vocabSize) {
      out.printf(
          "note: the corpus has no more pairs that occur %d times, so the vocabulary is smaller"
              + " than %d; add text or lower --min_frequency%n",
          minFrequency, vocabSize);
    }
  }
}
