package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `report`, from the runs that it is about to the eyes of a browser.
class ReportTest {
  private static final int PHONE = 400;
  private static final int DESK = 1000;

  @TempDir private static Path directory;
  private static Path ce;
  private static Path grpo;

  @BeforeAll
  static void makeRuns() throws IOException {
    Path text = CommandRun.someText(directory.resolve("text.txt"));
    Path model = directory.resolve("blank");
    CommandRun.succeeding(
        "create-model",
        "--hidden_size=64",
        "--intermediate_size=192",
        "--layers=2",
        "--heads=1",
        "--tokenizer=bytes",
        "--context=128",
        "--output_dir",
        model);
    Path questions = directory.resolve("questions.jsonl");
    CommandRun.succeeding(
        "make-data",
        "arithmetic",
        "--digits=1",
        "--count=12",
        "--no_reasoning",
        "--output",
        questions);
    ce = directory.resolve("ce");
    CommandRun.succeeding(
        "train-ce",
        "--dataset=" + text,
        "--text_format=document",
        "--model_path=" + model,
        "--output_dir=" + ce,
        "--csv_log=" + directory.resolve("elsewhere.csv"),
        "--iters=40",
        "--batch_size=2",
        "--seq_len=32",
        "--eval_interval=10",
        "--eval_tokens=512",
        "--threads=1");
    grpo = directory.resolve("grpo <&>");
    CommandRun.succeeding(
        "train-grpo",
        "--dataset=" + questions,
        "--eval_dataset=" + questions,
        "--model_path=" + model,
        "--output_dir=" + grpo,
        "--steps=4",
        "--batch_size=2",
        "--group_size=3",
        "--max_length=4",
        "--two_layer",
        "--augmentation_size=2",
        "--guiding_prompt=?",
        "--eval_interval=2",
        "--sample_interval=1",
        "--threads=1");
  }

  @Test
  void everyRunKeepsItsMetricsAndItsShownAnswers() throws IOException {
    assertThat(ce.resolve("metrics.csv"))
        .hasSameTextualContentAs(directory.resolve("elsewhere.csv"));
    MetricsFile metrics = MetricsFile.read(grpo.resolve("metrics.csv"));
    assertThat(metrics.rows()).hasSize(5);
    assertThat(metrics.column("flip_rate").subList(1, 5)).doesNotContain("");
    // per step 2 first answers and 2 corrections
    assertThat(Files.readAllLines(grpo.resolve("answers.jsonl"))).hasSize(16);
    CommandRun resumed =
        CommandRun.of(
            "train-ce", "--model_path=x", "--dataset=y", "--output_dir=" + ce, "--iters=1");
    assertThat(resumed.err()).contains("already contains a run");
    assertThat(MetricsFile.read(ce.resolve("metrics.csv")).rows()).hasSize(41);
  }

  @Test
  void thePageOfARunLiesInIt() throws IOException {
    CommandRun report = CommandRun.succeeding("report", grpo);

    Path page = grpo.resolve("report.html");
    assertThat(report.out()).isEqualToIgnoringNewLines("wrote " + page);
    assertThat(Files.readString(page))
        .contains("grpo &lt;&amp;&gt;", "<strong>Reward</strong>", "<strong>Flips</strong>")
        .contains("<strong>Self-correction, held out</strong>", "Answers of ")
        .doesNotContain("grpo <&>", "<script", "http", "NaN");
  }

  @Test
  void logsThatAreMissingOrDamagedAreNamedInOneLine() throws IOException {
    Path damaged = directory.resolve("damaged.csv");
    String log = Files.readString(ce.resolve("metrics.csv"));
    Files.writeString(damaged, log.replace("\n7,", "\n7,x"));
    Path empty = Files.createDirectory(directory.resolve("empty"));
    Path begun = Files.createDirectory(directory.resolve("begun"));
    Files.writeString(begun.resolve("metrics.csv"), log.substring(0, log.indexOf('\n') + 1));
    Path torn = Files.createDirectory(directory.resolve("torn"));
    Files.writeString(torn.resolve("metrics.csv"), log);
    Files.writeString(torn.resolve("answers.jsonl"), "{\"step\":1,\n");

    assertThat(refusal(directory.resolve("none"))).contains("none: no such file");
    assertThat(refusal(empty)).contains("holds no metrics.csv", "--csv_log");
    assertThat(refusal(begun)).contains("no step is logged yet");
    assertThat(refusal(damaged))
        .contains("damaged.csv:9: \"x", "is not a number", "remove the line");
    assertThat(refusal(torn)).contains("answers.jsonl:1: is not a line of a completions log");
    assertThat(refusal(ce.resolve("model/config.json"))).contains(":1: not a metrics log");
    assertThat(CommandRun.of("report", ce, grpo, ce).err()).contains("1 or 2 runs, not 3");
  }

  private static String refusal(Path run) {
    CommandRun refused = CommandRun.of("report", run, "--output", directory.resolve("no.html"));
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err().lines()).singleElement().asString().startsWith("bitnet: ");
    assertThat(directory.resolve("no.html")).doesNotExist();
    return refused.err();
  }

  @Test
  void aBrowserShowsThePageWideAndNarrowLightAndDarkWithoutComplaint() throws Exception {
    Optional<Path> chromium = Browser.installed();
    assumeTrue(chromium.isPresent(), "no Chromium; apt-get install chromium");
    Path page = directory.resolve("both.html");
    CommandRun.succeeding("report", ce, grpo, "--output", page);

    try (Browser browser = Browser.start(chromium.orElseThrow(), directory)) {
      for (int width : List.of(PHONE, DESK)) {
        Browser.View light = browser.look(page.toUri(), width, false);
        Browser.View dark = browser.look(page.toUri(), width, true);
        keep(light, "report-%d-light.png".formatted(width));
        keep(dark, "report-%d-dark.png".formatted(width));
        for (Browser.View view : List.of(light, dark)) {
          assertThat(view.complaints()).isEmpty();
          assertThat(view.width()).as("no scrolling sideways").isLessThanOrEqualTo(width);
          assertThat(view.smallestText()).isGreaterThanOrEqualTo(10);
          assertThat(colours(view.image())).hasSizeGreaterThan(50);
        }
        assertThat(brightness(light.image())).isGreaterThan(240);
        assertThat(brightness(dark.image())).isLessThan(30);
      }
    }
  }

  /// Leaves a screenshot among the build's files, for people.
  private static void keep(Browser.View view, String name) throws IOException {
    Path target = Files.createDirectories(Path.of("target"));
    ImageIO.write(view.image(), "png", target.resolve(name).toFile());
  }

  private static Set<Integer> colours(BufferedImage image) {
    Set<Integer> colours = new HashSet<>();
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        colours.add(image.getRGB(x, y));
      }
    }
    return colours;
  }

  /// Of a corner, where there is nothing but the background.
  private static int brightness(BufferedImage image) {
    int colour = image.getRGB(2, 2);
    return ((colour >> 16 & 0xFF) + (colour >> 8 & 0xFF) + (colour & 0xFF)) / 3;
  }
}
