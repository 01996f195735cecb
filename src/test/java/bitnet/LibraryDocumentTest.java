package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What the documents say to users of the library is what the build has.
class LibraryDocumentTest {
  private static final Path LIBRARY = ScriptRun.ROOT.resolve("docs/library.md");
  private static final Pattern JAVA = Pattern.compile("(?s)\n```java\n(.*?)\n```");
  private static final Pattern DEPENDENCY =
      Pattern.compile(
          "<groupId>([\\w.]+)</groupId>\\s*<artifactId>([\\w-]+)</artifactId>"
              + "\\s*<version>([^<]+)</version>");

  @TempDir private Path directory;

  private static String text(String file) throws IOException {
    return Files.readString(ScriptRun.ROOT.resolve(file));
  }

  /// The content of the first such element.
  private static String element(String pom, String name) {
    Matcher found = Pattern.compile("<" + name + ">([^<]*)</" + name + ">").matcher(pom);
    assertThat(found.find()).as(name).isTrue();
    return found.group(1);
  }

  /// `group:artifact:version` of the managed dependencies, properties replaced.
  private static Set<String> managed(String pom) {
    Set<String> found = new TreeSet<>();
    String resolved = pom.replace("${project.version}", element(pom, "version"));
    for (String property : List.of("djl.version", "pytorch.version")) {
      resolved = resolved.replace("${" + property + "}", element(pom, property));
    }
    DEPENDENCY
        .matcher(resolved.substring(resolved.indexOf("<dependencyManagement>")))
        .results()
        .forEach(each -> found.add(each.group(1) + ":" + each.group(2) + ":" + each.group(3)));
    return found;
  }

  static Stream<Path> documents() throws IOException {
    return ReadmeCommandsTest.documents()
        .filter(document -> JAVA.matcher(content(document)).find());
  }

  private static String content(Path document) {
    try {
      return Files.readString(document);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /// A snippet begins with its imports, or is a part of an example, which is compiled and run.
  @ParameterizedTest
  @MethodSource("documents")
  void everySnippetCompiles(Path document) throws IOException {
    List<Path> sources = new ArrayList<>();
    Matcher snippets = JAVA.matcher(content(document));
    while (snippets.find()) {
      String snippet = snippets.group(1);
      if (snippet.startsWith("import ")) {
        sources.add(source("Snippet" + sources.size(), snippet.lines().toList()));
      } else {
        assertThat(examples()).anyMatch(each -> each.contains(onOneLine(snippet)));
      }
    }

    assertThat(sources.isEmpty() ? List.of() : errors(sources)).isEmpty();
  }

  private static List<String> examples() throws IOException {
    List<String> examples = new ArrayList<>();
    for (String directory : List.of("src/examples", "integrations")) {
      try (Stream<Path> files = Files.walk(ScriptRun.ROOT.resolve(directory))) {
        files
            .filter(file -> file.toString().endsWith(".java"))
            .forEach(file -> examples.add(onOneLine(content(file))));
      }
    }
    return examples;
  }

  private static String onOneLine(String text) {
    return text.replaceAll("\\s+", " ").strip();
  }

  private Path source(String name, List<String> lines) throws IOException {
    String imports =
        lines.stream().filter(line -> line.startsWith("import ")).collect(Collectors.joining());
    String body =
        lines.stream()
            .filter(line -> !line.startsWith("import "))
            .collect(Collectors.joining("\n"));
    return Files.writeString(
        directory.resolve(name + ".java"),
        "%s class %s { void run() throws Exception {%n%s%n} }".formatted(imports, name, body));
  }

  private List<String> errors(List<Path> sources) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
    List<String> options =
        List.of(
            "-proc:none", "-d", directory.toString(), "-cp", System.getProperty("java.class.path"));
    try (StandardJavaFileManager files = compiler.getStandardFileManager(found, null, null)) {
      compiler
          .getTask(null, files, found, options, null, files.getJavaFileObjectsFromPaths(sources))
          .call();
    }
    return found.getDiagnostics().stream()
        .filter(each -> each.getKind() == Diagnostic.Kind.ERROR)
        .map(Object::toString)
        .toList();
  }

  @Test
  void theFlagsAreThoseThatTheTestsAndTheLauncherRunWith() throws IOException {
    String flags = element(text("pom.xml"), "jvm.flags");

    assertThat(Files.readString(LIBRARY)).contains("\n" + flags + "\n");
    assertThat(text("scripts/bitnet").replace("--add-exports ", "--add-exports="))
        .contains(flags.split(" "));
  }

  @Test
  void theVersionIsThatOfTheBuild() throws IOException {
    String version = element(text("pom.xml"), "version");
    String library = Files.readString(LIBRARY);

    assertThat(library).contains("the version `" + version + "`");
    assertThat(Pattern.compile("<version>([^<]*)</version>").matcher(library).results())
        .hasSize(2)
        .allSatisfy(found -> assertThat(found.group(1)).isEqualTo(version));
  }

  @Test
  void theBomHasTheVersionsOfTheBuild() throws IOException {
    Set<String> bom = managed(text("src/bom/pom.xml"));

    assertThat(managed(text("pom.xml"))).containsAll(bom);
    assertThat(bom)
        .filteredOn(each -> each.startsWith("bitnet:"))
        .containsExactlyInAnyOrderElementsOf(modulesOfTheLibrary());
  }

  /// As `bitnet:bitnet-core:0.1.0`.
  private static List<String> modulesOfTheLibrary() throws IOException {
    String pom = text("pom.xml");
    return Pattern.compile("<module>([^<]*)</module>")
        .matcher(pom)
        .results()
        .map(found -> found.group(1))
        .filter(module -> !module.startsWith("src/"))
        .map(module -> module.replace("integrations/", "bitnet-"))
        .map(module -> "bitnet:" + module + ":" + element(pom, "version"))
        .toList();
  }
}
