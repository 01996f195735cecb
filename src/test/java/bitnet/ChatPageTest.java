package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The page of `bitnet serve` in a real browser, with a real model.
class ChatPageTest {
  private static final int PHONE = 400;
  private static final int DESK = 1200;

  @TempDir private Path directory;

  @Test
  void aMessageIsSentAndItsAnswerSeen() throws Exception {
    Optional<Path> chromium = Browser.installed();
    assumeTrue(chromium.isPresent(), "no Chromium; apt-get install chromium");
    Path log = directory.resolve("log");
    Path model = CommandRun.tinyModel(directory.resolve("model"));
    Process server =
        CommandRun.start(
            log, "serve", "--model_path", model, "--port=0", "--threads=1", "--alias=tiny");
    try (Browser browser = Browser.start(chromium.orElseThrow(), directory)) {
      URI page = URI.create(ServeTest.address(server, log) + "/");
      for (int width : List.of(PHONE, DESK)) {
        for (boolean dark : List.of(false, true)) {
          converse(browser, page, width, dark);
        }
      }
    } finally {
      server.destroyForcibly().waitFor();
    }
  }

  private static void converse(Browser browser, URI page, int width, boolean dark)
      throws Exception {
    try (Browser.Tab tab = browser.visit(page, width, dark)) {
      tab.await("at('model').textContent === 'tiny'");
      tab.evaluate("at('text').value = 'Hi'; at('form').requestSubmit()");
      tab.await("document.querySelector('.assistant small').textContent.includes(' tokens')");
      assertThat(tab.evaluate("document.querySelector('.user p').textContent").asText())
          .isEqualTo("Hi");
      assertThat(tab.evaluate("document.querySelector('.assistant p').textContent").asText())
          .isNotBlank();
      assertThat(tab.evaluate("document.querySelector('.assistant small').textContent").asText())
          .matches("\\d+ tokens, ([0-9.]+ tok/s, )?prompt \\d+( \\(\\d+ cached\\))?");
      tab.await("/^\\d+ running, \\d+ waiting$/.test(at('load').textContent)");

      keep(tab, "chat-%d-%s.png".formatted(width, dark ? "dark" : "light"));

      // an answer that is stopped, and one that the server refuses
      tab.evaluate("at('new').click(); at('text').value = 'Ho'; at('form').requestSubmit()");
      tab.evaluate("at('stop').click()");
      tab.await("document.querySelector('.assistant small').textContent !== ''");
      tab.await("!at('send').hidden && at('stop').hidden");
      tab.evaluate("document.querySelector('details').open = true");
      tab.evaluate(
          "at('new').click(); at('temperature').value = 9; at('text').value = 'No';"
              + " at('form').requestSubmit()");
      tab.await("document.querySelector('.wrong')");
      assertThat(tab.evaluate("document.querySelector('.wrong').textContent").asText())
          .isEqualTo("temperature is not a number from 0.0 to 2.0");

      assertThat(tab.contentWidth()).as("no scrolling sideways").isLessThanOrEqualTo(width);
      keep(tab, "chat-settings-%d-%s.png".formatted(width, dark ? "dark" : "light"));
      // the browser reports the refusal above, and what the page loads is this server's
      assertThat(tab.complaints(page))
          .filteredOn(each -> !each.contains("400 (Bad Request)"))
          .allMatch(each -> each.startsWith("loaded " + page), "is from this server");
    }
  }

  private static void keep(Browser.Tab tab, String name) throws Exception {
    Path target = Path.of("target");
    if (Files.isDirectory(target)) { // of Maven
      assertThat(ImageIO.write(tab.image(), "png", target.resolve(name).toFile())).isTrue();
    }
  }
}
