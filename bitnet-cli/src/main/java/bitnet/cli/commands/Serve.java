package bitnet.cli.commands;

import bitnet.cli.option.AdapterOptions;
import bitnet.cli.option.RuntimeOptions;
import bitnet.cli.output.ExitCode;
import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.server.ApiServer;
import bitnet.server.ServerSettings;
import bitnet.training.StopSignal;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet serve`: an OpenAI-compatible HTTP server.
@Command(
    name = "serve",
    description = "Serve a model over HTTP with OpenAI's API, until Ctrl-C or SIGTERM.",
    sortOptions = false)
public final class Serve implements Callable<Integer> {
  private static final long POLL_MILLISECONDS = 50;

  @Spec private CommandSpec spec;

  @Mixin private AdapterOptions modelOptions;

  @Option(
      names = "--host",
      defaultValue = "127.0.0.1",
      paramLabel = "ADDRESS",
      description =
          "Address to listen on; one that other machines reach needs --api_key_file (default: "
              + "${DEFAULT-VALUE}).")
  private String host;

  @Option(
      names = "--port",
      defaultValue = "8080",
      paramLabel = "N",
      description = "Port to listen on; 0 takes a free one (default: ${DEFAULT-VALUE}).")
  private int port;

  @Option(
      names = "--api_key_file",
      paramLabel = "FILE",
      description = "File with API keys, one per line; requests must carry one of them.")
  private @Nullable Path apiKeyFile;

  @Option(
      names = "--alias",
      paramLabel = "NAME",
      description = "Name of the model in answers (default: the name of its file or directory).")
  private @Nullable String alias;

  @Option(
      names = "--slots",
      defaultValue = "8",
      paramLabel = "N",
      description = "Sequences that are generated together (default: ${DEFAULT-VALUE}).")
  private int slots;

  @Option(
      names = "--prefill_chunk",
      defaultValue = "64",
      paramLabel = "N",
      description =
          "Prompt tokens that are read between two tokens of the running sequences; fewer delay "
              + "these less, more read prompts faster (default: ${DEFAULT-VALUE}).")
  private int prefillChunk;

  @Option(
      names = "--prefix_cache_mib",
      defaultValue = "512",
      paramLabel = "N",
      description =
          "Memory for keys and values of prompts and answers that later requests may begin with, "
              + "in MiB; 0 keeps none (default: ${DEFAULT-VALUE}).")
  private int prefixCacheMib;

  @Option(
      names = "--max_queue",
      defaultValue = "64",
      paramLabel = "N",
      description =
          "Sequences that may wait for a slot; more are answered with 429 (default: "
              + "${DEFAULT-VALUE}).")
  private int maxQueue;

  @Option(
      names = "--context",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Maximum number of tokens of prompt and completion; 0 is the model's context (default: "
              + "${DEFAULT-VALUE}).")
  private int context;

  @Option(
      names = "--max_body_bytes",
      defaultValue = "16777216",
      paramLabel = "N",
      description = "Maximum size of a request's body (default: ${DEFAULT-VALUE}).")
  private int maxBodyBytes;

  @Option(
      names = "--request_seconds",
      defaultValue = "600",
      paramLabel = "N",
      description = "Maximum time of a request, its wait included (default: ${DEFAULT-VALUE}).")
  private int requestSeconds;

  @Option(
      names = "--idle_seconds",
      defaultValue = "30",
      paramLabel = "N",
      description =
          "Time after which a connection whose client neither sends nor reads is closed (default: "
              + "${DEFAULT-VALUE}).")
  private int idleSeconds;

  @Option(
      names = "--drain_seconds",
      defaultValue = "10",
      paramLabel = "N",
      description =
          "Time that running requests have to finish at Ctrl-C or SIGTERM (default: "
              + "${DEFAULT-VALUE}).")
  private int drainSeconds;

  @Option(names = "--json_log", description = "Log each request as a JSON object.")
  private boolean jsonLog;

  @Mixin private RuntimeOptions runtime;

  private Serve() {}

  @Override
  public Integer call() throws IOException {
    runtime.requireProcessor("serve");
    ServerSettings settings = settings();
    PrintWriter err = spec.commandLine().getErr();
    try (StopSignal stop = StopSignal.install();
        ApiServer server = ApiServer.start(settings, line -> print(err, line));
        BatchedModel model =
            BatchedModel.open(modelOptions.location(), runtime.settings(), settings.batching())) {
      try {
        server.serve(model);
        model.warnings().forEach(warning -> print(err, "bitnet: " + warning));
        print(err, "%s: %s".formatted(settings.modelName(), model.description()));
        print(err, "listening on " + server.uri());
        awaitStop(stop);
      } finally {
        server.stop(); // before the model
      }
    }
    return ExitCode.OK;
  }

  private static void awaitStop(StopSignal stop) {
    try {
      while (!stop.requested()) {
        Thread.sleep(POLL_MILLISECONDS);
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private static synchronized void print(PrintWriter err, String line) {
    err.println(line);
    err.flush();
  }

  private ServerSettings settings() throws IOException {
    return new ServerSettings(
        host,
        port,
        apiKeys(),
        alias == null
            ? String.valueOf(modelOptions.path().toAbsolutePath().normalize().getFileName())
            : alias,
        jsonLog,
        new BatchSettings(slots, prefillChunk, (long) prefixCacheMib << 20),
        new ServerSettings.Limits(
            maxQueue, context, maxBodyBytes, requestSeconds, idleSeconds, drainSeconds));
  }

  private List<String> apiKeys() throws IOException {
    if (apiKeyFile == null) {
      return List.of();
    }
    List<String> keys =
        Files.readAllLines(apiKeyFile).stream()
            .map(String::strip)
            .filter(key -> !key.isEmpty())
            .toList();
    if (keys.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: has no API key; write one per line".formatted(apiKeyFile));
    }
    return keys;
  }
}
