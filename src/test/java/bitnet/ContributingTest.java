package bitnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// What CONTRIBUTING.md names is there.
class ContributingTest {

  /// A class, perhaps with a member: `RewardSpec.named`.
  private static final Pattern CLASS =
      Pattern.compile("`(?:[a-z]+\\.)*([A-Z][a-z]\\w+)(?:\\.\\w+)?`");

  private static final Pattern PATH =
      Pattern.compile("`((?:bitnet-core|src|docs|scripts)/[\\w/.-]+)");

  private static String contributing() throws IOException {
    return Files.readString(ScriptRun.ROOT.resolve("CONTRIBUTING.md"));
  }

  private static Set<String> found(Pattern pattern) throws IOException {
    return pattern
        .matcher(contributing())
        .results()
        .map(each -> each.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyClassThatIsNamedExists() throws IOException {
    try (Stream<Path> files = Files.walk(ScriptRun.ROOT)) {
      Set<String> sources =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.endsWith(".java"))
              .map(name -> name.substring(0, name.length() - ".java".length()))
              .collect(Collectors.toSet());

      assertThat(found(CLASS)).hasSizeGreaterThan(30).isSubsetOf(sources);
    }
  }

  @Test
  void everyFileThatIsNamedExists() throws IOException {
    assertThat(found(PATH))
        .hasSizeGreaterThan(3)
        .allSatisfy(path -> assertThat(ScriptRun.ROOT.resolve(path)).exists());
  }
}
