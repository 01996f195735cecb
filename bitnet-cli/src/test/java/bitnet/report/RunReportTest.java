package bitnet.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import bitnet.grpo.CompletionRecord;
import bitnet.grpo.CompletionsLog;
import bitnet.metrics.MetricsTable.Point;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class RunReportTest {
  private static final String CE =
      """
      step,loss,smoothed_loss,eval_loss,lr,grad_norm,tok_s,mfu,zero_share,flip_rate
      0,,,5.5,,,,,0.31,
      1,5.0,5.0,,0.001,2.0,900.0,0.5,,
      2,4.0,4.5,4.25,0.002,NaN,1000.0,0.5,0.32,0.01
      """;
  private static final String GRPO =
      """
      step,reward,accuracy,num_tokens,lr,loss,grad_norm,kl,entropy,layer2_reward,t1,t2,step_time,eval_t2
      1,0.25,0.5,100.0,1.0E-4,0.0,1.0,0.01,2.0,0.5,0.5,0.75,2.0,
      2,0.5,0.25,400.0,1.0E-4,0.0,1.0,0.02,2.0,0.5,0.25,0.5,3.0,0.5
      """;

  @TempDir private Path directory;

  private TrainingRun run(String name, String metrics) throws IOException {
    Path run = Files.createDirectories(directory.resolve(name));
    Files.writeString(run.resolve("metrics.csv"), metrics);
    return TrainingRun.read(run);
  }

  private static String html(TrainingRun... runs) {
    return new RunReport(List.of(runs)).html();
  }

  /// The plots, which are XML inside HTML.
  private static List<Element> plots(String html) throws Exception {
    List<Element> plots = new ArrayList<>();
    int from = html.indexOf("<figure>");
    while (from >= 0) {
      int to = html.indexOf("</figure>", from) + "</figure>".length();
      Document document =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(
                  new ByteArrayInputStream(
                      html.substring(from, to).getBytes(StandardCharsets.UTF_8)));
      plots.add(document.getDocumentElement());
      from = html.indexOf("<figure>", to);
    }
    return plots;
  }

  private static Element plot(List<Element> plots, String title) {
    return plots.stream()
        .filter(plot -> text(plot, "strong").getFirst().equals(title))
        .findFirst()
        .orElseThrow();
  }

  private static List<String> text(Element element, String tag) {
    NodeList found = element.getElementsByTagName(tag);
    return IntStream.range(0, found.getLength())
        .mapToObj(i -> found.item(i).getTextContent())
        .toList();
  }

  private static List<String> titles(List<Element> plots) {
    return plots.stream().map(plot -> text(plot, "strong").getFirst()).toList();
  }

  @Test
  void aRunIsShownByTheMetricsThatItLogged() throws Exception {
    assertThat(titles(plots(html(run("ce", CE)))))
        .containsExactly("Loss", "Gradient norm", "Learning rate", "Speed", "Zeros", "Flips");
    String grpo = html(run("grpo", GRPO));
    assertThat(titles(plots(grpo)))
        .containsExactly(
            "Reward",
            "Accuracy",
            "Self-correction in training",
            "Self-correction, held out",
            "KL",
            "Policy loss",
            "Entropy",
            "Gradient norm",
            "Learning rate",
            "Speed of answering");
    assertThat(grpo)
        .contains(
            "Not in these logs: Incorrect to correct, correct to incorrect, Length, Zeros, Flips.");
  }

  @Test
  void twoRunsShareTheirPlotsInTwoColours() throws Exception {
    List<Element> plots = plots(html(run("a/ce", CE), run("grpo", GRPO)));

    assertThat(text(plot(plots, "Learning rate"), "strong"))
        .containsExactly("Learning rate", "ce", "grpo");
    NodeList lines = plot(plots, "Learning rate").getElementsByTagName("polyline");
    assertThat(lines.getLength()).isEqualTo(2);
    assertThat(((Element) lines.item(0)).getAttribute("class")).isEqualTo("curve");
    assertThat(((Element) lines.item(1)).getAttribute("class")).isEqualTo("other curve");
    assertThat(text(plot(plots, "Loss"), "strong")).containsExactly("Loss", "ce");
  }

  @Test
  void runsOfOneNameAreToldApartByTheirPaths() throws IOException {
    TrainingRun first = run("one/run", CE);
    TrainingRun second = run("two/run", CE);
    assertThat(html(first, second))
        .contains("<strong class=\"blue\">" + first.path() + "</strong>")
        .contains("<strong class=\"orange\">" + second.path() + "</strong>");
    assertThat(html(first)).contains("<title>run</title>", "(" + first.path() + ")");
  }

  @Test
  void aCurveGoesThroughItsPoints() throws Exception {
    Element loss = plot(plots(html(run("ce", CE))), "Loss");
    Element training = (Element) loss.getElementsByTagName("polyline").item(0);
    // the axes go from step 0 to 2 and, in ticks of 0.5, from 4 to 5.5 nats
    assertThat(training.getAttribute("points")).isEqualTo("184.0,61.3 328.0,168.0");
    assertThat(text(loss, "text")).contains("4.0", "5.5", "0", "2");
    assertThat(text(loss, "title"))
        .containsExactly("ce held out, step 0: 5.500", "ce held out, step 2: 4.250");
    assertThat(((Element) loss.getElementsByTagName("svg").item(0)).getAttribute("aria-label"))
        .isEqualTo(
            "Loss: ce training from 5.000 to 4.000; ce smoothed from 5.000 to 4.500;"
                + " ce held out from 5.500 to 4.250");
  }

  @Test
  void tokensPerSecondOfGrpoComeFromItsTokensAndTimes() throws IOException {
    assertThat(run("grpo", GRPO).tokensPerSecond())
        .containsExactly(new Point(1, 50), new Point(2, 100));
    // the log of a run that went on elsewhere does not say how many tokens its first step drew
    assertThat(run("later", GRPO.replace("\n1,", "\n5,").replace("\n2,", "\n6,")).tokensPerSecond())
        .containsExactly(new Point(6, 100));
  }

  @Test
  void theTableHasFirstLastAndBestValues() throws IOException {
    assertThat(html(run("ce", CE.replace("4.25", "5.75"))))
        .contains(
            "loss, held out</td><td class=\"number\">5.5000</td><td class=\"number\">5.7500</td>"
                + "<td class=\"number\">5.5000</td><td class=\"number\">0</td>");
  }

  @Test
  void valuesThatAreNotFiniteAreCounted() throws IOException {
    assertThat(html(run("ce", CE)))
        .contains("1 values of grad_norm are not finite and are left out.");
  }

  @Test
  void longRunsAreThinnedWithoutLosingASpike() {
    List<Point> points = new ArrayList<>();
    for (int step = 1; step <= 100_000; step++) {
      points.add(new Point(step, step == 77_777 ? 9 : Math.sin(step / 5000.0)));
    }
    List<Point> drawn = new Curve(0, "run", "loss", Curve.Look.FAINT, points).drawn();
    assertThat(drawn).hasSizeLessThanOrEqualTo(600).contains(new Point(77_777, 9));
    assertThat(drawn).isSortedAccordingTo(Comparator.comparingLong(Point::step));
  }

  @Test
  void answersAreShownWithTheirRewardsAndNothingInThemIsMarkup() throws IOException {
    Path path = run("<i>&\"'", GRPO).path();
    try (CompletionsLog log = CompletionsLog.open(path.resolve("answers.jsonl"), 0)) {
      log.write(
          List.of(
              new CompletionRecord(1, 1, "1<2?", "yes", "", "<script>\n\u0007", 0.25, false, true),
              new CompletionRecord(1, 2, "1<2?", "yes", "no", "<b>yes", 1, true, false)));
    }
    Files.writeString(path.resolve("answers.jsonl"), "{\"torn", StandardOpenOption.APPEND);
    TrainingRun run = TrainingRun.read(path);
    assertThat(run.answers()).hasSize(2);

    assertThat(html(run))
        .contains("&lt;i&gt;&amp;&quot;&#39;", "1&lt;2?", "&lt;script&gt;\n\uFFFD … (cut off)")
        .contains("no\n→ corrected: &lt;b&gt;yes", "0.250 ✗", "1.000 ✓", "2 of the 2 logged")
        .doesNotContain("<script", "<b>", "<i>");
  }

  @Test
  void ofManyAnswersSomeFromBeginningToEndAreShown() throws IOException {
    Path path = run("grpo", GRPO).path();
    try (CompletionsLog log = CompletionsLog.open(path.resolve("answers.jsonl"), 0)) {
      for (int step = 1; step <= 480; step++) {
        log.write(List.of(new CompletionRecord(step, 1, "q", "a", "", "x", 0, false, false)));
      }
    }
    assertThat(html(TrainingRun.read(path)))
        .contains("24 of the 480 logged", "<span>1</span>", "<span>21</span>", "<span>461</span>");
  }

  @Test
  void oneRunOrTwo() throws IOException {
    TrainingRun run = run("ce", CE);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> html(run, run, run))
        .withMessage("a report shows 1 or 2 runs, not 3; make several reports");
    assertThatIllegalArgumentException().isThrownBy(() -> html());
  }
}
