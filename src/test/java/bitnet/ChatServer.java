package bitnet;

import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// `bitnet serve` with a small model of random weights, called `tiny`, whose chat template knows
/// tools.
///
/// @param process the server
/// @param address where it listens, without `/v1`
record ChatServer(Process process, String address) implements AutoCloseable {
  private static final String TEMPLATE =
      "{% if tools %}{{ tools | tojson }} call as <tool_call></tool_call>\n"
          + "{% endif %}{% for m in messages %}{{ m.role }}: {{ m.content }}{% for call in"
          + " m.tool_calls or [] %} calls {{ call.function.name }}{% endfor %}\n"
          + "{% endfor %}assistant:";

  /// Makes a model in the directory and serves it.
  static ChatServer start(Path directory) throws IOException, InterruptedException {
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
    String address = ServeTest.address(server, log);
    return new ChatServer(server, address.replaceAll("/v1$", ""));
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
