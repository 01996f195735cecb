package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// OpenAI's clients for Python and Node with `bitnet serve`: chats, completions, streams, tools and
/// errors.
class OpenAiClientTest {
  private static final Path SCRIPTS = Path.of("resources/openai").toAbsolutePath();
  private static final Path PYTHON =
      Path.of(
          Optional.ofNullable(System.getenv("BITNET_ORACLE_PYTHON"))
              .orElse(System.getProperty("user.home") + "/.cache/bitnet-oracle/bin/python"));
  private static final Path NODE_MODULES =
      Path.of(
              Optional.ofNullable(System.getenv("BITNET_OPENAI_NODE"))
                  .orElse(System.getProperty("user.home") + "/.cache/bitnet-openai-node"))
          .resolve("node_modules");

  @TempDir private Path directory;

  @Test
  void thePythonClientIsServed() throws Exception {
    assumeTrue(
        hasPythonClient(),
        "no openai in %s; make a Python as CONTRIBUTING.md says, then pip install openai"
            .formatted(PYTHON));
    assertServed(PYTHON.toString(), SCRIPTS.resolve("client.py"));
  }

  @Test
  void theNodeClientIsServed() throws Exception {
    assumeTrue(
        Files.isDirectory(NODE_MODULES.resolve("openai")),
        "no openai in %s; npm install openai there, or set BITNET_OPENAI_NODE"
            .formatted(NODE_MODULES));
    Path script = directory.resolve("client.mjs"); // modules are looked up beside the script
    Files.copy(SCRIPTS.resolve("client.mjs"), script);
    Files.createSymbolicLink(directory.resolve("node_modules"), NODE_MODULES);
    assertServed("node", script);
  }

  private void assertServed(String program, Path script) throws Exception {
    ScriptRun client;
    try (ChatServer server = ChatServer.start(directory)) {
      client = ScriptRun.in(directory, Map.of(), program, script.toString(), server.address());
    }
    assertThat(client.exitCode()).as(client.err()).isZero();
    assertThat(client.out().strip()).isEqualTo("ok");
  }

  private static boolean hasPythonClient() throws IOException, InterruptedException {
    return Files.isExecutable(PYTHON)
        && new ProcessBuilder(PYTHON.toString(), "-c", "import openai")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor()
            == 0;
  }
}
