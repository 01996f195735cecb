package bitnet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
      assertThat(listed.out()).startsWith("1 models in ").contains(ModelHub.NAME);

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
      assertThat(run(hub, home, "models").out()).startsWith("0 models in ");
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
        ProcessBuilder builder =
            new ProcessBuilder(CommandRun.commandLine("pull", ModelHub.NAME))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().putAll(hub.environment(home));
        Process process = builder.start();
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
}
