package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The JVM's cache that the launcher of a distribution makes at its first start.
@DisabledOnOs(OS.WINDOWS)
class LauncherCacheTest {
  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final String VARIABLE = "XDG_CACHE_HOME";

  @TempDir private static Path installation;
  private static Path launcher;
  private static Path made;

  @TempDir private Path directory;

  @BeforeAll
  static void theFirstStartMakesTheCache() throws Exception {
    ScriptRun.assumeBuilt();
    launcher = Installation.in(installation.resolve("root"));
    Path home = installation.resolve("first cache");

    assertIsTheVersion(start(installation, Map.of(VARIABLE, home.toString())));
    made = awaitCache(home);
  }

  private static ScriptRun start(Path directory, Map<String, String> environment) throws Exception {
    return ScriptRun.in(directory, environment, launcher.toString(), "--version");
  }

  private static void assertIsTheVersion(ScriptRun run) {
    assertThat(run.err()).isEmpty();
    assertThat(run.out()).startsWith("bitnet ").contains("Java ", "libtorch ");
    assertThat(run.out().lines()).hasSize(3);
    assertThat(run.exitCode()).isZero();
  }

  /// Waits until the cache is the one file of its directory.
  private static Path awaitCache(Path home) throws Exception {
    Instant end = Instant.now().plus(PATIENCE);
    List<Path> files;
    do {
      Thread.sleep(100);
      files = files(home);
    } while (Instant.now().isBefore(end)
        && !(files.size() == 1 && files.getFirst().toString().endsWith(".aot")));
    assertThat(files).singleElement().asString().endsWith(".aot");
    return files.getFirst();
  }

  private static List<Path> files(Path home) throws IOException {
    Path directory = home.resolve("bitnet");
    try (Stream<Path> files = Files.isDirectory(directory) ? Files.list(directory) : Stream.of()) {
      return files.toList();
    }
  }

  /// A cache directory of this test's own that holds these bytes as the cache.
  private Path cached(byte[] bytes) throws IOException {
    Path cache = Files.createDirectories(directory.resolve("cache/bitnet"));
    Files.write(cache.resolve(made.getFileName()), bytes);
    return cache.getParent();
  }

  @Test
  void laterStartsTakeClassesFromTheCache() throws Exception {
    Path log = directory.resolve("classes.txt");
    ScriptRun run =
        start(
            directory,
            Map.of(
                VARIABLE,
                made.getParent().getParent().toString(),
                "BITNET_JAVA_OPTS",
                "-Xlog:class+load:file=" + log));

    assertIsTheVersion(run);
    assertThat(Files.readAllLines(log))
        .filteredOn(line -> line.contains(" bitnet.cli.commands.Infer "))
        .singleElement()
        .asString()
        .contains("shared objects file");
  }

  static Stream<Arguments> damages() throws IOException {
    byte[] whole = Files.readAllBytes(made);
    byte[] garbled = whole.clone();
    Arrays.fill(garbled, 0, 4096, (byte) 0x5A);
    return Stream.of(
        argumentSet("empty", (Object) new byte[0]),
        argumentSet("without its second half", (Object) Arrays.copyOf(whole, whole.length / 2)),
        argumentSet("with a garbled header", (Object) garbled));
  }

  @ParameterizedTest
  @MethodSource("damages")
  void aDamagedCacheIsIgnoredInSilence(byte[] bytes) throws Exception {
    assertIsTheVersion(start(directory, Map.of(VARIABLE, cached(bytes).toString())));
  }

  @Test
  void aJvmWithOtherOptionsRunsWithoutTheCache() throws Exception {
    Path home = directory.resolve("cache");

    assertIsTheVersion(
        start(
            directory,
            Map.of(VARIABLE, home.toString(), "BITNET_JAVA_OPTS", "-XX:-UseCompressedOops")));
    assertThat(home).doesNotExist();
  }

  @Test
  void ownClassesGoWithTheCache() throws Exception {
    assertIsTheVersion(
        start(
            directory,
            Map.of(
                VARIABLE,
                made.getParent().getParent().toString(),
                "BITNET_CLASS_PATH",
                directory.toString())));
  }

  @Test
  void startsWithoutACacheWhereNoneCanBeWritten() throws Exception {
    Path file = Files.createFile(directory.resolve("file"));

    assertIsTheVersion(start(directory, Map.of(VARIABLE, file.toString())));
    assertIsTheVersion(
        ScriptRun.in(
            directory,
            Map.of(),
            "env",
            "-u",
            "HOME",
            "-u",
            VARIABLE,
            launcher.toString(),
            "--version"));
    assertThat(installation.resolve("root")).isDirectoryNotContaining("glob:**.aot*");
  }

  @Test
  void aVariableTurnsItOff() throws Exception {
    Path home = directory.resolve("cache");

    assertIsTheVersion(
        start(directory, Map.of(VARIABLE, home.toString(), "BITNET_AOT_CACHE", "off")));
    assertThat(home).doesNotExist();
  }

  @Test
  void aFailedAttemptIsNotRepeatedAtOnce() throws Exception {
    Path home = directory.resolve("cache");
    Path attempt = Path.of(made.getFileName() + ".making");
    Files.createDirectories(home.resolve("bitnet").resolve(attempt));

    assertIsTheVersion(start(directory, Map.of(VARIABLE, home.toString())));
    assertThat(files(home)).singleElement().asString().endsWith(".making");
  }

  @Test
  void startsAtOnceAndAfterAKilledAttemptMakeOneCache() throws Exception {
    Path home = directory.resolve("cache");
    Path attempt = home.resolve("bitnet").resolve(made.getFileName() + ".making");
    Files.createDirectories(attempt.resolve("model"));
    Files.setLastModifiedTime(attempt, FileTime.from(Instant.now().minus(Duration.ofHours(1))));
    String run = "'%s' --version".formatted(launcher);

    ScriptRun both =
        ScriptRun.in(
            directory,
            Map.of(VARIABLE, home.toString()),
            "bash",
            "-c",
            "%s >first & %s >second; wait; cat first second | sort | uniq -c".formatted(run, run));

    assertThat(both.err()).isEmpty();
    assertThat(both.out().lines()).hasSize(3).allMatch(line -> line.strip().startsWith("2 "));
    awaitCache(home);
  }

  @Test
  void noReaderWaitsForTheCache() throws Exception {
    Path home = directory.resolve("cache");
    ScriptRun result =
        ScriptRun.in(
            directory,
            Map.of(VARIABLE, home.toString()),
            "bash",
            "-c",
            "'%s' --version 3>&1 2>&1 | cat >version; ls '%s/bitnet'".formatted(launcher, home));

    assertThat(result.out()).endsWith(".making\n");
    assertThat(directory.resolve("version")).content().startsWith("bitnet ");
    awaitCache(home);
  }
}
