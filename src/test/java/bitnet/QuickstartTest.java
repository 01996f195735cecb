package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// The first command of the README, with fewer steps.
@DisabledOnOs(OS.WINDOWS)
class QuickstartTest {
  private static final Pattern LOSSES =
      Pattern.compile("held-out loss: ([\\d.]+) nats per byte before training, ([\\d.]+) after");

  @TempDir private Path directory;

  @BeforeAll
  static void theCommandIsBuilt() {
    ScriptRun.assumeBuilt();
  }

  @Test
  void printsItsOwnTextAndTheLossBeforeAndAfter() throws Exception {
    String script = ScriptRun.ROOT.resolve("scripts/quickstart.sh").toString();
    String run = directory.resolve("run").toString();
    ScriptRun quickstart = ScriptRun.in(directory, Map.of("QUICKSTART_STEPS", "12"), script, run);

    assertThat(quickstart.err()).isEmpty();
    assertThat(quickstart.exitCode()).isZero();
    Matcher losses = LOSSES.matcher(quickstart.out());
    assertThat(losses.find()).as(quickstart.out()).isTrue();
    assertThat(Double.parseDouble(losses.group(1))).isBetween(5.4, 5.7); // ln 256 = 5.545
    assertThat(Double.parseDouble(losses.group(2))).isLessThan(4);
    String text = quickstart.out().split("== 3. what it writes\\R", 2)[1];
    assertThat(text.split("\\Rheld-out loss", 2)[0]).hasSizeGreaterThan(50);

    ScriptRun again = ScriptRun.in(directory, Map.of(), script, run);
    assertThat(again.exitCode()).isEqualTo(1);
    assertThat(again.err()).contains("is there already");
  }
}
