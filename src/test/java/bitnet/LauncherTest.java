package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.nio.file.Files;
import java.nio.file.Path;
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

@DisabledOnOs(OS.WINDOWS)
class LauncherTest {
  private static final Path LAUNCHER = ScriptRun.ROOT.resolve("scripts/bitnet");

  @TempDir private Path directory;

  @BeforeAll
  static void theCommandIsBuilt() {
    ScriptRun.assumeBuilt();
  }

  @Test
  void runsQuietlyFromAnotherDirectoryAndThroughSymbolicLinks() throws Exception {
    Path first = Files.createSymbolicLink(directory.resolve("bitnet-0.1"), LAUNCHER);
    Path links = Files.createDirectory(directory.resolve("with space"));
    Path second = Files.createSymbolicLink(links.resolve("bitnet"), Path.of("../bitnet-0.1"));

    ScriptRun version = ScriptRun.in(directory, Map.of(), "with space/bitnet", "--version");
    Files.delete(second); // JUnit warns of links that lead out of its directory
    Files.delete(first);

    assertThat(version.err()).isEmpty();
    assertThat(version.out()).startsWith("bitnet ").contains("Java ", "libtorch ");
    assertThat(version.exitCode()).isZero();
  }

  /// What people have set in their shells.
  static Stream<Arguments> environments() {
    return Stream.of(
        argumentSet("nothing", "env -i", ""),
        argumentSet("no home", "env -u HOME", ""),
        argumentSet("a home that is not there", "env HOME=/nonexistent", ""),
        argumentSet("CDPATH", "env CDPATH=/tmp:/usr:.", ""),
        argumentSet("an absent locale", "env LC_ALL=de_DE.UTF-8", ""),
        argumentSet("a Latin-1 locale", "env LANG=en_US.ISO-8859-1 LC_CTYPE=de_DE", ""),
        argumentSet("IFS", "env IFS=/b", ""),
        argumentSet("POSIX", "env POSIXLY_CORRECT=1", ""),
        argumentSet("shell options", "env SHELLOPTS=noclobber:nounset BASHOPTS=failglob", ""),
        argumentSet("umask", "env", "umask 077;"),
        argumentSet("a relative link run by bash", "bash", "cd links;"));
  }

  @DisabledOnOs({OS.WINDOWS, OS.MAC})
  @ParameterizedTest
  @MethodSource("environments")
  void worksInTheEnvironmentsThatPeopleHave(String environment, String before) throws Exception {
    Path links = Files.createDirectory(directory.resolve("links"));
    Path link = Files.createSymbolicLink(links.resolve("bitnet"), links.relativize(LAUNCHER));
    String launcher = environment.equals("bash") ? "bitnet" : "'" + LAUNCHER + "'";
    ScriptRun result =
        ScriptRun.in(
            directory, Map.of(), "bash", "-c", before + environment + " " + launcher + " --größe");
    Files.delete(link); // JUnit warns of links that lead out of its directory

    assertThat(result.err()).contains("bitnet: unknown option '--größe'").doesNotContain("unbound");
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(directory.resolve("bitnet-cli")).doesNotExist();
  }

  @Test
  void worksInADirectoryWithSpacesAndALineBreakInItsName() throws Exception {
    Path odd = Files.createDirectory(directory.resolve("a b\nc\n"));
    Path launcher = Installation.in(odd.resolve("root"));

    ScriptRun result =
        ScriptRun.in(directory, Map.of("BITNET_AOT_CACHE", "off"), launcher.toString(), "--nope");

    assertThat(result.err()).contains("unknown option '--nope'");
    assertThat(result.exitCode()).isEqualTo(2);
  }

  @Test
  void handsOnTheExitCode() throws Exception {
    assertThat(
            ScriptRun.in(directory, Map.of(), LAUNCHER.toString(), "--no-such-option").exitCode())
        .isEqualTo(2);
  }

  @Test
  void argumentsKeepTheirLettersInACLocale() throws Exception {
    ScriptRun result =
        ScriptRun.in(directory, Map.of("LC_ALL", "C"), LAUNCHER.toString(), "--größe 変");

    assertThat(result.err()).contains("unknown option '--größe 変'");
  }

  @Test
  void furtherJvmOptionsAreHandedOn() throws Exception {
    ScriptRun result =
        ScriptRun.in(
            directory, Map.of("BITNET_JAVA_OPTS", "-Xmx64m -version"), LAUNCHER.toString());

    assertThat(result.err()).contains("version \"").contains("64-Bit");
    assertThat(result.exitCode()).isZero();
  }

  @Test
  void aWrongJavaHomeIsNamed() throws Exception {
    ScriptRun result =
        ScriptRun.in(
            directory,
            Map.of("BITNET_JAVA_HOME", directory.toString()),
            LAUNCHER.toString(),
            "--version");

    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.out()).isEmpty();
    assertThat(result.err().lines())
        .containsExactly(
            "bitnet: BITNET_JAVA_HOME=%s is not a JDK 25 or newer; set it to one or unset it"
                .formatted(directory));
  }
}
