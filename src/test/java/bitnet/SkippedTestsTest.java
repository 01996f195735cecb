package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SkippedTestsTest {
  private static final String ABORTED =
      """
      <testsuite><testcase name="a" classname="bitnet.model.OneTest"/>
      <testcase name="b" classname="bitnet.model.OneTest">
        <skipped type="org.opentest4j.TestAbortedException"><![CDATA[\
      org.opentest4j.TestAbortedException: Assumption failed: no clang; install clang
      	at org.junit.jupiter.api.Assumptions.throwAssumptionFailed(Assumptions.java:340)
      ]]></skipped></testcase></testsuite>
      """;
  private static final String DISABLED =
      """
      <testsuite><testcase name="" classname="bitnet.OtherTest">
      <skipped message="Disabled on operating system: Windows"/></testcase></testsuite>
      """;

  @TempDir private Path root;

  @BeforeEach
  void writeReports() throws IOException {
    report("core", "One", ABORTED);
    report("core", "Two", ABORTED.replace("OneTest", "TwoTest"));
    report("src/test", "Other", DISABLED);
  }

  private void report(String module, String name, String content) throws IOException {
    Path reports = Files.createDirectories(root.resolve(module).resolve("target/surefire-reports"));
    Files.writeString(reports.resolve("TEST-bitnet." + name + "Test.xml"), content);
  }

  private String summary(Instant begin) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    SkippedTests.read(root, begin).print(new PrintStream(out, true, UTF_8));
    return out.toString(UTF_8);
  }

  @Test
  void namesEachReasonOnceWithItsTests() throws IOException {
    assertThat(summary(Instant.EPOCH).lines())
        .containsExactly(
            "",
            "3 of 5 tests were skipped; CONTRIBUTING.md, section \"What some tests compare with\","
                + " has more:",
            "    2  no clang; install clang",
            "       OneTest, TwoTest",
            "    1  Disabled on operating system: Windows",
            "       OtherTest");
  }

  @Test
  void reportsOfEarlierBuildsDoNotCount() throws IOException {
    assertThat(summary(Instant.now().plusSeconds(60))).isEmpty();
  }

  @Test
  void saysSoIfNothingWasSkipped() throws IOException {
    String passed = "<testsuite><testcase name='a' classname='bitnet.OneTest'/></testsuite>";
    report("core", "One", passed);
    report("core", "Two", passed);
    report("src/test", "Other", "<testsuite/>");

    assertThat(summary(Instant.EPOCH).strip()).isEqualTo("None of 2 tests was skipped.");
  }

  @Test
  void contributingHasTheSectionThatTheSummaryNames() throws IOException {
    assertThat(Files.readString(ScriptRun.ROOT.resolve("CONTRIBUTING.md")))
        .contains("\n## What some tests compare with\n");
  }
}
