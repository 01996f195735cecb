package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HubCommandsTest {
  private static final int KILLS = Integer.getInteger("bitnet.kills", 2);
  private static final String MODEL_PATH = "--model_path=" + ModelHub.NAME;

  @TempDir private static Path directory;
  private static Path model;

  @BeforeAll
  static void makeModel() {
    model = CommandRun.tinyModel(directory.resolve("model"));
  }

  private static ScriptRun run(ModelHub hub, Path home, Object... args) throws Exception {
    Path place = Files.createTempDirectory(directory, "place");
    return ScriptRun.in(
        place, hub.environment(home), CommandRun.commandLine(args).toArray(String[]::new));
  }

  private static Path snapshot(Path home) {
    return home.resolve("hub/models--shakespeare--tiny/snapshots/" + ModelHub.COMMIT);
  }

  private static void assertWhole(Path home) throws IOException {
    try (Stream<Path> files = Files.list(model)) {
      for (Path file : files.toList()) {
        assertThat(snapshot(home).resolve(file.getFileName())).hasSameBinaryContentAs(file);
      }
    }
  }

  @Test
  void aPulledModelIsListedRunOfflineAndRemoved() throws Exception {
    Path home = directory.resolve("home");
    try (ModelHub hub = new ModelHub(model, 0)) {
      ScriptRun pulled = run(hub, home, "pull", ModelHub.NAME);
      assertThat(pulled.out()).as(pulled.err()).isEqualTo(snapshot(home) + "\n");
      assertWhole(home);

      ScriptRun listed = run(hub, home, "models");
      assertThat(listed.out()).startsWith("1 models and 0 datasets in ").contains(ModelHub.NAME);

      ScriptRun local = run(hub, home, "infer", "--model_path=" + model, "--prompt=To", "--seed=3");
      long sent = hub.sentBytes.get();
      Map<String, String> offline = new HashMap<>(hub.environment(home));
      offline.put("HF_HUB_OFFLINE", "1");
      ScriptRun named =
          ScriptRun.in(
              Files.createDirectory(directory.resolve("offline")),
              offline,
              CommandRun.commandLine("infer", MODEL_PATH, "--prompt=To", "--seed=3")
                  .toArray(String[]::new));
      assertThat(named.exitCode()).as(named.err()).isZero();
      assertThat(named.out()).isEqualTo(local.out());
      assertThat(hub.sentBytes).hasValue(sent);

      assertThat(run(hub, home, "models", "--remove", ModelHub.NAME).out()).startsWith("removed ");
      assertThat(run(hub, home, "models").out()).startsWith("0 models and 0 datasets in ");
    }
  }

  @Test
  void aModelThatTheHubDoesNotHaveIsRefusedInOneLine() throws Exception {
    try (ModelHub hub = new ModelHub(model, 0)) {
      ScriptRun run = run(hub, directory.resolve("nothing"), "pull", "shakespeare/lost");
      assertThat(run.exitCode()).isEqualTo(1);
      assertThat(run.err().lines()).singleElement().asString().contains("shakespeare/lost");
    }
  }

  /// Nothing that arrived before a kill is sent again, but for what the client had not written yet.
  @Test
  void aKilledDownloadContinues() throws Exception {
    Path home = directory.resolve("killed");
    Random random = new Random(5);
    try (ModelHub hub = new ModelHub(model, 40)) {
      Path log = directory.resolve("killed.log");
      for (int kill = 0; kill < KILLS; kill++) {
        long before = hub.sentBytes.get();
        long most = before + 30_000 + random.nextInt(40_000);
        Process process = start(hub, home, log);
        while (process.isAlive() && hub.sentBytes.get() < most) {
          process.waitFor(5, TimeUnit.MILLISECONDS);
        }
        process.destroyForcibly().waitFor();
      }
      ScriptRun last = run(hub, home, "pull", ModelHub.NAME);

      assertThat(last.exitCode()).as(last.err() + Files.readString(log, UTF_8)).isZero();
      assertWhole(home);
      long size = 0;
      try (Stream<Path> files = Files.list(model)) {
        for (Path file : files.toList()) {
          size += Files.size(file);
        }
      }
      assertThat(hub.sentBytes.get()).isLessThan(size + (KILLS + 1) * 65_536L);
    }
  }

  /// A directory that looks like a model whose weights are so large that they come in ranges.
  private static Path largeModel() throws IOException {
    Path large = Files.createDirectory(directory.resolve("large"));
    Files.writeString(large.resolve("config.json"), "{}");
    byte[] weights = new byte[40 << 20];
    new Random(8).nextBytes(weights);
    Files.write(large.resolve("model.safetensors"), weights);
    return large;
  }

  /// Nothing that arrived before a kill is sent again, but for what the four ranges had not written
  /// yet and sockets still held.
  @Test
  void aKilledDownloadOfRangesContinues() throws Exception {
    Path home = directory.resolve("killed-ranges");
    Path large = largeModel();
    long size = Files.size(large.resolve("model.safetensors"));
    Random random = new Random(9);
    try (ModelHub hub = new ModelHub(large, 20)) {
      hub.hasTree = true;
      hub.pieceBytes = 1 << 18;
      Path log = directory.resolve("killed-ranges.log");
      for (int kill = 0; kill < KILLS; kill++) {
        long most = hub.sentBytes.get() + random.nextLong(size / KILLS);
        Process process = start(hub, home, log);
        while (process.isAlive() && hub.sentBytes.get() <= most) {
          process.waitFor(1, TimeUnit.MILLISECONDS);
        }
        process.destroyForcibly().waitFor();
      }
      ScriptRun last = run(hub, home, "pull", ModelHub.NAME);
      assertThat(last.exitCode()).as(last.err() + Files.readString(log, UTF_8)).isZero();
      assertThat(snapshot(home).resolve("model.safetensors"))
          .hasSameBinaryContentAs(large.resolve("model.safetensors"));
      // each connection has some megabytes on the way
      assertThat(hub.sentBytes.get()).isLessThan(size + (KILLS + 1) * (16L << 20));
    }
  }

  private static Process start(ModelHub hub, Path home, Path log) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(CommandRun.commandLine("pull", ModelHub.NAME))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().putAll(hub.environment(home));
    return builder.start();
  }

  /// A disk of 128 KiB, mounted in a namespace of the command's own.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "true | model.safetensors needs # bytes, and @ has # left; free some space, or set HF_HOME",
        "false | model.safetensors cannot be written to @ (No space left on device); free some",
      })
  void aFullDiskIsNamed(boolean knowsSizes, String said) throws Exception {
    Path home = Files.createDirectory(directory.resolve("full-" + knowsSizes));
    try (ModelHub hub = new ModelHub(largeFile(), 0)) {
      hub.hasTree = knowsSizes;
      List<String> command =
          new ArrayList<>(
              List.of(
                  "unshare",
                  "--map-root-user",
                  "--mount",
                  "bash",
                  "-c",
                  "mount -t tmpfs -o size=128k tmpfs \"$0\" || exit 99; \"$@\"",
                  home.toString()));
      command.addAll(CommandRun.commandLine("pull", ModelHub.NAME));
      Path place = Files.createTempDirectory(directory, "place");
      ScriptRun full = mounted(place, hub.environment(home), command);
      assertThat(full.exitCode()).as(full.err()).isEqualTo(1);
      String line =
          full.err()
              .lines()
              .filter(each -> !each.startsWith("downloading "))
              .collect(Collectors.joining("\n"))
              .replace(home + "/hub/models--shakespeare--tiny/blobs", "@")
              .replaceAll("\\b[\\d,]+\\b", "#");
      assertThat(line).startsWith("bitnet: " + said).doesNotContain("\n");
    }
  }

  private static ScriptRun mounted(
      Path place, Map<String, String> environment, List<String> command) throws Exception {
    ScriptRun run;
    try {
      run = ScriptRun.in(place, environment, command.toArray(String[]::new));
    } catch (IOException none) {
      run = new ScriptRun(99, "", String.valueOf(none.getMessage()));
    }
    boolean mounts = run.exitCode() != 99 && !run.err().contains("unshare: ");
    assumeTrue(
        mounts, "no file system can be mounted; run where unshare --map-root-user is allowed");
    return run;
  }

  private static Path largeFile() throws IOException {
    Path files = Files.createTempDirectory(directory, "files");
    Files.writeString(files.resolve("config.json"), "{}");
    Files.write(files.resolve("model.safetensors"), new byte[1 << 20]);
    return files;
  }

  @Test
  void ofTwoProcessesOneDownloads() throws Exception {
    Path home = directory.resolve("two");
    try (ModelHub hub = new ModelHub(model, 20)) {
      hub.hasTree = true;
      Process first = start(hub, home, directory.resolve("first.log"));
      Process second = start(hub, home, directory.resolve("second.log"));
      assertThat(first.waitFor()).isZero();
      assertThat(second.waitFor()).isZero();
      assertWhole(home);
      long size = 0;
      try (Stream<Path> files = Files.list(model)) {
        for (Path file : files.toList()) {
          size += Files.size(file);
        }
      }
      assertThat(hub.sentBytes.get()).isLessThanOrEqualTo(size);
    }
  }
}
