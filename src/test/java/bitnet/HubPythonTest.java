package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// One cache for this program and for Python's `huggingface_hub`, where a Python that has it is
/// installed.
class HubPythonTest {
  private static final Path PYTHON =
      Path.of(
          Optional.ofNullable(System.getenv("BITNET_ORACLE_PYTHON"))
              .orElse(System.getProperty("user.home") + "/.cache/bitnet-oracle/bin/python"));

  @TempDir private static Path directory;
  private static Path model;

  @BeforeAll
  static void makeModel() throws Exception {
    assumeTrue(
        Files.isExecutable(PYTHON),
        "no Python with huggingface_hub; make a virtual environment and set BITNET_ORACLE_PYTHON");
    model = CommandRun.tinyModel(directory.resolve("model"));
    ScriptRun found = run(Map.of(), PYTHON.toString(), "-c", "import huggingface_hub");
    assumeTrue(
        found.exitCode() == 0,
        "no huggingface_hub; ~/.cache/bitnet-oracle/bin/pip install huggingface_hub");
  }

  private static ScriptRun run(Map<String, String> environment, String... command)
      throws Exception {
    return ScriptRun.in(Files.createTempDirectory(directory, "place"), environment, command);
  }

  private static ScriptRun bitnet(Map<String, String> environment, Object... args)
      throws Exception {
    return run(environment, CommandRun.commandLine(args).toArray(String[]::new));
  }

  private static Map<String, String> environment(ModelHub hub, Path home, boolean offline) {
    Map<String, String> variables = new HashMap<>(hub.environment(home));
    variables.put("HF_HUB_OFFLINE", offline ? "1" : "0");
    variables.put("HF_HUB_DISABLE_XET", "1");
    return variables;
  }

  @Test
  void pythonReadsOurCacheOffline() throws Exception {
    Path home = directory.resolve("ours");
    try (ModelHub hub = new ModelHub(model, 0)) {
      hub.hasTree = true;
      ScriptRun pulled = bitnet(environment(hub, home, false), "pull", ModelHub.NAME);
      assertThat(pulled.exitCode()).as(pulled.err()).isZero();
      long sent = hub.sentBytes.get();

      ScriptRun read =
          run(
              environment(hub, home, true),
              PYTHON.toString(),
              "-c",
              """
              from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download
              print(snapshot_download("shakespeare/tiny"))
              print(open(hf_hub_download("shakespeare/tiny", "config.json")).read())
              print(len(scan_cache_dir().warnings), [r.repo_id for r in scan_cache_dir().repos])
              """);
      assertThat(read.out())
          .as(read.err())
          .isEqualTo(
              pulled.out()
                  + Files.readString(model.resolve("config.json"))
                  + "\n0 ['shakespeare/tiny']\n");
      assertThat(hub.sentBytes).hasValue(sent);
    }
  }

  @Test
  void weReadTheCacheOfPythonOffline() throws Exception {
    Path home = directory.resolve("theirs");
    try (ModelHub hub = new ModelHub(model, 0)) {
      hub.hasTree = true;
      ScriptRun downloaded =
          run(
              environment(hub, home, false),
              PYTHON.toString(),
              "-c",
              """
              from huggingface_hub import snapshot_download
              print(snapshot_download("shakespeare/tiny"))
              """);
      assertThat(downloaded.exitCode()).as(downloaded.err()).isZero();
      long sent = hub.sentBytes.get();

      ScriptRun pulled = bitnet(environment(hub, home, true), "pull", ModelHub.NAME);
      assertThat(pulled.out()).as(pulled.err()).isEqualTo(downloaded.out());
      ScriptRun online = bitnet(environment(hub, home, false), "pull", ModelHub.NAME);
      assertThat(online.out()).as(online.err()).isEqualTo(downloaded.out());
      assertThat(hub.sentBytes).hasValue(sent);
    }
  }
}
