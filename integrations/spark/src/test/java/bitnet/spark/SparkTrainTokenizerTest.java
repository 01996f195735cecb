package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SparkTrainTokenizerTest {
  @TempDir private Path directory;

  @Test
  void theTokenizerIsThatOfTheLocalCommand() throws IOException {
    String text = Files.readString(Path.of("../../data/shakespeare.txt"), StandardCharsets.UTF_8);
    Path corpus = Files.createDirectory(directory.resolve("corpus"));
    Path one = Files.writeString(corpus.resolve("a.txt"), text.substring(0, 60_000));
    Path two = corpus.resolve("b.txt.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(two))) {
      out.write(text.substring(60_000, 90_000).getBytes(StandardCharsets.UTF_8));
    }
    Path expected = directory.resolve("local");
    Path actual = directory.resolve("spark");
    Object[] options = {"--vocab_size=600", "--min_frequency=3"};

    CommandRun local =
        CommandRun.succeeding(
            CommandRun.with(
                new Object[] {"train-tokenizer", "--corpus", one, two, "--output=" + expected},
                options));
    CommandRun run =
        CommandRun.succeeding(
            CommandRun.with(
                new Object[] {
                  "spark",
                  "train-tokenizer",
                  "--master=local[2]",
                  "--corpus=" + corpus,
                  "--output=" + actual
                },
                options));

    CommandRun.assertEqualModels(actual, expected);
    assertThat(run.out())
        .isEqualTo(local.out().replace(expected.toString(), actual.toString()))
        .contains("(90000 bytes, ");
  }

  @Test
  void whatCannotBeReadIsRefused() throws IOException {
    Path gone = directory.resolve("gone.txt");
    assertThatThrownBy(() -> new TextSizeTask(new CorpusFile(0, gone.toString())).run())
        .isInstanceOf(TaskRefusal.class)
        .hasMessage(
            "this process: %s: no such file or directory; executors need the files at the same"
                + " paths as the driver",
            gone);

    Path latin = directory.resolve("latin.txt");
    Files.write(latin, "one\nna\u00efve\n".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> new TextSizeTask(new CorpusFile(0, latin.toString())).run())
        .isInstanceOf(TaskRefusal.class)
        .hasMessageStartingWith(latin + ": line 2, byte offset 6: not UTF-8");

    CommandRun run =
        CommandRun.of(
            "spark", "train-tokenizer", "--corpus=" + gone, "--output=" + directory.resolve("t"));
    assertThat(run.err()).isEqualTo("bitnet: %s: no such file or directory%n".formatted(gone));
  }
}
