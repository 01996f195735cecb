package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// What `./mvnw package` leaves for those who have no checkout.
@DisabledOnOs(OS.WINDOWS)
class DistributionTest {
  private static final Path TARGET = ScriptRun.ROOT.resolve("bitnet-cli/target");

  @TempDir private static Path directory;
  private static Path distribution;

  @BeforeAll
  static void unpack() throws IOException {
    List<Path> archives;
    try (Stream<Path> found = Files.isDirectory(TARGET) ? Files.list(TARGET) : Stream.empty()) {
      archives =
          found
              .filter(path -> path.getFileName().toString().matches("bitnet-[\\d.]+\\.zip"))
              .toList();
    }
    assumeTrue(!archives.isEmpty(), "there is no distribution; run ./mvnw verify");
    assertThat(archives).as("./mvnw clean removes old ones").hasSize(1);
    try (FileSystem zip =
        FileSystems.newFileSystem(archives.getFirst(), Map.of("enablePosixFileAttributes", true))) {
      Path root = zip.getPath("/");
      try (Stream<Path> entries = Files.walk(root)) {
        for (Path entry : entries.toList()) {
          Path target = directory.resolve(root.relativize(entry).toString());
          if (Files.isDirectory(entry)) {
            Files.createDirectories(target);
          } else {
            Files.copy(entry, target);
            Files.setPosixFilePermissions(target, Files.getPosixFilePermissions(entry));
          }
        }
      }
    }
    String name = archives.getFirst().getFileName().toString().replace(".zip", "");
    distribution = directory.resolve(name);
  }

  /// Runs the unpacked command where nothing but Java can be found.
  private static ScriptRun bitnet(Object... arguments) throws Exception {
    Path elsewhere = Files.createDirectories(directory.resolve("else where"));
    String[] command =
        Stream.concat(
                Stream.of(distribution.resolve("bin/bitnet").toString()),
                Stream.of(arguments).map(Object::toString))
            .toArray(String[]::new);
    return ScriptRun.in(
        elsewhere,
        Map.of(
            "PATH",
            "/usr/bin:/bin",
            "BITNET_JAVA_HOME",
            System.getProperty("java.home"),
            "BITNET_AOT_CACHE",
            "off"),
        command);
  }

  @Test
  void holdsLicencesDataAndAllJarsOfTheClassPath() throws IOException {
    for (String file : List.of("LICENSE", "README.md", "data/shakespeare.txt", "scripts/bitnet")) {
      assertThat(distribution.resolve(file)).hasSameBinaryContentAs(ScriptRun.ROOT.resolve(file));
    }
    assertThat(Files.readString(distribution.resolve("THIRD-PARTY.txt")))
        .contains("info.picocli:picocli", "Apache", "jackson-databind", "extjwnl")
        .doesNotContain("Unknown license");
    assertThat(distribution.resolve("licenses/libtorch.txt")).isRegularFile();
    String[] jars = Files.readString(distribution.resolve("lib/class-path")).strip().split(":", -1);
    try (Stream<Path> lib = Files.list(distribution.resolve("lib"))) {
      assertThat(lib.map(path -> "lib/" + path.getFileName()))
          .contains(jars)
          .hasSize(jars.length + 2); // the command's own jar and the list
    }
  }

  @Test
  void makesAndRunsAModelAwayFromTheCheckout() throws Exception {
    Path model = directory.resolve("model");
    ScriptRun version = bitnet("--version");
    ScriptRun create = bitnet("create-model", "--params=1M", "--output_dir", model);
    ScriptRun infer =
        bitnet("infer", "--model_path", model, "--prompt", "To be", "--max_length=5", "--stats");

    assertThat(List.of(version, create, infer))
        .allSatisfy(run -> assertThat(run.exitCode()).as(run.err()).isZero());
    assertThat(version.out()).startsWith("bitnet ").contains("Java ", "libtorch ");
    assertThat(create.out()).contains("parameters");
    assertThat(infer.err() + infer.out()).contains("text 5 tokens");
    assertThat(distribution.resolve("bitnet-cli")).doesNotExist();
  }

  @Test
  void saysWhatToInstallWhereThereIsNoJava() throws Exception {
    Path old = Files.createDirectories(directory.resolve("old/bin"));
    ScriptRun refused =
        ScriptRun.in(
            directory,
            Map.of("BITNET_JAVA_HOME", old.getParent().toString()),
            distribution.resolve("bin/bitnet").toString());

    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err().lines()).singleElement().asString().contains("not a JDK 25 or newer");
  }
}
