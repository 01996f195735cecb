package bitnet.cli.commands;

import bitnet.cli.option.ModelOptions;
import bitnet.cli.option.RuntimeOptions;
import bitnet.cli.output.ExitCode;
import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.server.ApiServer;
import bitnet.server.ServeBenchmark;
import bitnet.server.ServeBenchmark.Result;
import bitnet.server.ServerSettings;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet bench serve`: streams of many clients over HTTP, against the engine alone.
@Command(
    name = "serve",
    description = "Measure streams of many clients over HTTP, and the engine without HTTP.",
    sortOptions = false)
final class BenchServe implements Callable<Integer> {
  private static final int SECONDS = 3600;

  @Spec private CommandSpec spec;

  @Mixin private ModelOptions modelOptions;

  @Option(
      names = "--clients",
      defaultValue = "16",
      paramLabel = "N",
      description = "Clients that stream at the same time (default: ${DEFAULT-VALUE}).")
  private int clients;

  @Option(
      names = "--requests",
      defaultValue = "64",
      paramLabel = "N",
      description = "Requests of all clients together (default: ${DEFAULT-VALUE}).")
  private int requests;

  @Option(
      names = "--prompt_tokens",
      defaultValue = "128",
      paramLabel = "N",
      description = "Tokens of each prompt, drawn at random (default: ${DEFAULT-VALUE}).")
  private int promptTokens;

  @Option(
      names = "--max_length",
      defaultValue = "64",
      paramLabel = "N",
      description = "Tokens of each answer (default: ${DEFAULT-VALUE}).")
  private int newTokens;

  @Option(
      names = "--disconnects",
      defaultValue = "0",
      paramLabel = "P",
      description =
          "Share of the requests whose client leaves in the middle of the answer, 0 to 1 (default: "
              + "${DEFAULT-VALUE}).")
  private double disconnects;

  @Option(
      names = "--slots",
      defaultValue = "16",
      paramLabel = "N",
      description = "Sequences that are generated together (default: ${DEFAULT-VALUE}).")
  private int slots;

  @Option(
      names = "--prefill_chunk",
      defaultValue = "64",
      paramLabel = "N",
      description =
          "Prompt tokens that are read between two tokens of the running sequences (default: "
              + "${DEFAULT-VALUE}).")
  private int prefillChunk;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Mixin private RuntimeOptions runtime;

  private BenchServe() {}

  @Override
  public Integer call() throws IOException {
    runtime.requireProcessor("bench serve");
    ServeBenchmark benchmark =
        new ServeBenchmark(clients, requests, promptTokens, newTokens, disconnects, 1);
    BatchSettings batching = new BatchSettings(slots, prefillChunk, 0);
    ServerSettings settings =
        new ServerSettings(
            "127.0.0.1",
            0,
            List.of(),
            "bench",
            false,
            batching,
            new ServerSettings.Limits(clients, 0, 16 << 20, SECONDS, SECONDS, 1));
    try (ApiServer server = ApiServer.start(settings, line -> {});
        BatchedModel model = BatchedModel.open(modelOptions.path(), runtime.settings(), batching)) {
      try {
        server.serve(model);
        print(model.description(), benchmark.run(server, model));
      } finally {
        server.stop(); // before the model
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("stopped while measuring");
    }
    return ExitCode.OK;
  }

  private void print(String description, Result result) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    double ratio = result.tokensPerSecond() / result.engineTokensPerSecond();
    if (json) {
      ObjectMapper mapper = new ObjectMapper();
      ObjectNode node = mapper.createObjectNode();
      node.put("clients", clients).put("requests", requests);
      node.put("served_tok_s", result.tokensPerSecond());
      node.put("engine_tok_s", result.engineTokensPerSecond());
      node.put("ratio", ratio);
      node.put("first_token_p50_s", Result.percentile(result.firstToken(), 0.5));
      node.put("first_token_p99_s", Result.percentile(result.firstToken(), 0.99));
      node.put("between_tokens_p50_s", Result.percentile(result.between(), 0.5));
      node.put("between_tokens_p99_s", Result.percentile(result.between(), 0.99));
      node.put("disconnected", result.disconnected());
      out.println(mapper.writeValueAsString(node));
      return;
    }
    out.println(description);
    out.printf(
        Locale.ROOT,
        "%d clients, %d requests of %d + %d tokens, %d left in the middle%n",
        clients,
        requests,
        promptTokens,
        newTokens,
        result.disconnected());
    out.printf(
        Locale.ROOT,
        "%.0f tok/s over HTTP, %.0f tok/s of the engine without it: %.2f%n",
        result.tokensPerSecond(),
        result.engineTokensPerSecond(),
        ratio);
    out.printf(
        Locale.ROOT,
        "first token after %.0f ms (p50), %.0f ms (p99); next after %.1f ms, %.1f ms%n",
        1000 * Result.percentile(result.firstToken(), 0.5),
        1000 * Result.percentile(result.firstToken(), 0.99),
        1000 * Result.percentile(result.between(), 0.5),
        1000 * Result.percentile(result.between(), 0.99));
  }
}
