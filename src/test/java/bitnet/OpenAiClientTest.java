package bitnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// OpenAI's Python client with `bitnet serve`: chats, completions, streams, tools and errors.
class OpenAiClientTest {
  private static final Path SCRIPT = Path.of("resources/openai/client.py").toAbsolutePath();
  private static final Path PYTHON =
      Path.of(
          Optional.ofNullable(System.getenv("BITNET_ORACLE_PYTHON"))
              .orElse(System.getProperty("user.home") + "/.cache/bitnet-oracle/bin/python"));
  private static final String TEMPLATE =
      "{% if tools %}{{ tools | tojson }} call as <tool_call></tool_call>\n"
          + "{% endif %}{% for m in messages %}{{ m.role }}: {{ m.content }}{% for call in"
          + " m.tool_calls or [] %} calls {{ call.function.name }}{% endfor %}\n"
          + "{% endfor %}assistant:";

  @TempDir private Path directory;

  @Test
  void theClientIsServed() throws Exception {
    assumeTrue(
        hasClient(),
        "no openai in %s; make a Python as CONTRIBUTING.md says, then pip install openai"
            .formatted(PYTHON));
    Path tokenizer = Files.createDirectories(directory.resolve("tokenizer"));
    try (Tokenizer bundled = Tokenizer.bundled()) {
      bundled.save(tokenizer);
    }
    Files.writeString(tokenizer.resolve(ChatTemplate.FILE), TEMPLATE);
    Path model = directory.resolve("model");
    CommandRun.succeeding(
        "create-model",
        "--hidden_size=64",
        "--intermediate_size=192",
        "--layers=2",
        "--heads=1",
        "--context=1024",
        "--tokenizer=" + tokenizer,
        "--output_dir",
        model);
    Path log = directory.resolve("log");
    Process server =
        CommandRun.start(
            log, "serve", "--model_path", model, "--port=0", "--threads=1", "--alias=tiny");
    ScriptRun client;
    try {
      String address = ServeTest.address(server, log);
      client = ScriptRun.in(directory, Map.of(), PYTHON.toString(), SCRIPT.toString(), address);
    } finally {
      server.destroyForcibly().waitFor();
    }
    assertThat(client.exitCode()).as(client.err()).isZero();
    assertThat(client.out().strip()).isEqualTo("ok");
  }

  private static boolean hasClient() throws IOException, InterruptedException {
    return Files.isExecutable(PYTHON)
        && new ProcessBuilder(PYTHON.toString(), "-c", "import openai")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor()
            == 0;
  }
}
