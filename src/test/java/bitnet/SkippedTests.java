package bitnet;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/// The last step of `./mvnw verify`: prints which tests were skipped, why, and how to get what they
/// need, from the reports that surefire wrote in all modules.
///
/// @param tests that were run or skipped
/// @param skipped those that were skipped
record SkippedTests(int tests, List<Skip> skipped) {
  private static final String TITLE = "CONTRIBUTING.md, section \"What some tests compare with\"";
  private static final int DEEPEST = 5; // directories above a report

  /// A test that was skipped.
  ///
  /// @param test the simple name of its class
  /// @param reason what is missing, and how to get it
  record Skip(String test, String reason) {}

  /// Prints the summary of a build; nothing if it ran no test.
  ///
  /// @param args the root directory of the project, and when the build began (ISO 8601)
  public static void main(String[] args) throws IOException {
    read(Path.of(args[0]), Instant.parse(args[1])).print(System.out);
  }

  /// Reads the reports of a build.
  ///
  /// @param root directory of the project
  /// @param begin reports of earlier builds are ignored
  static SkippedTests read(Path root, Instant begin) throws IOException {
    List<Path> reports = new ArrayList<>();
    try (Stream<Path> files = Files.walk(root, DEEPEST)) {
      for (Path file : files.filter(SkippedTests::isReport).sorted().toList()) {
        if (!Files.getLastModifiedTime(file).toInstant().isBefore(begin)) {
          reports.add(file);
        }
      }
    }
    int tests = 0;
    List<Skip> skipped = new ArrayList<>();
    for (Path report : reports) {
      for (Element test : elements(root(report), "testcase")) {
        tests++;
        for (Element skip : elements(test, "skipped")) {
          skipped.add(new Skip(simpleName(test.getAttribute("classname")), reason(skip)));
        }
      }
    }
    return new SkippedTests(tests, skipped);
  }

  private static boolean isReport(Path file) {
    String name = file.getFileName().toString();
    return file.getParent() != null
        && file.getParent().endsWith("target/surefire-reports")
        && name.startsWith("TEST-")
        && name.endsWith(".xml");
  }

  private static Element root(Path report) throws IOException {
    try {
      return DocumentBuilderFactory.newDefaultInstance()
          .newDocumentBuilder()
          .parse(report.toFile())
          .getDocumentElement();
    } catch (ParserConfigurationException | SAXException failure) {
      throw new IOException(report + " is not a test report", failure);
    }
  }

  private static List<Element> elements(Element parent, String name) {
    NodeList nodes = parent.getElementsByTagName(name);
    return IntStream.range(0, nodes.getLength()).mapToObj(i -> (Element) nodes.item(i)).toList();
  }

  private static String simpleName(String className) {
    return className.substring(className.lastIndexOf('.') + 1);
  }

  /// The text of an assumption, or of a disabled test; surefire writes the first with a stack
  /// trace.
  private static String reason(Element skip) {
    String text =
        skip.hasAttribute("message") ? skip.getAttribute("message") : skip.getTextContent();
    return text.lines()
        .findFirst()
        .orElse("no reason given")
        .replaceFirst("^[\\w.]*TestAbortedException: ", "")
        .replaceFirst("^Assumption failed: ", "")
        .strip();
  }

  /// Prints each reason with its tests, the most frequent reason first.
  void print(PrintStream out) {
    if (tests == 0) {
      return;
    }
    out.println();
    if (skipped.isEmpty()) {
      out.printf("None of %,d tests was skipped.%n", tests);
      return;
    }
    out.printf("%,d of %,d tests were skipped; %s, has more:%n", skipped.size(), tests, TITLE);
    Map<String, List<Skip>> byReason =
        skipped.stream()
            .collect(Collectors.groupingBy(Skip::reason, TreeMap::new, Collectors.toList()));
    byReason.entrySet().stream()
        .sorted(Comparator.comparingInt(entry -> -entry.getValue().size()))
        .forEach(
            entry -> {
              out.printf("%5d  %s%n", entry.getValue().size(), entry.getKey());
              out.printf("       %s%n", classes(entry.getValue()));
            });
  }

  private static String classes(List<Skip> skips) {
    return skips.stream().map(Skip::test).distinct().sorted().collect(Collectors.joining(", "));
  }
}
