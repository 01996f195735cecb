package bitnet.server;

import bitnet.generation.BatchScheduler;
import bitnet.generation.BatchedModel;
import bitnet.generation.Completion;
import bitnet.generation.GenerationSettings;
import bitnet.generation.LogitAdjustments;
import bitnet.generation.RandomStream;
import bitnet.generation.SamplingSettings;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;

/// Streams of many clients at once, against the same texts from the engine without HTTP.
///
/// @param clients that stream at the same time
/// @param requests of all clients together
/// @param promptTokens of each request, drawn at random
/// @param newTokens of each answer
/// @param disconnects share of the requests whose client leaves in the middle of the answer
/// @param seed of prompts and disconnects
public record ServeBenchmark(
    int clients, int requests, int promptTokens, int newTokens, double disconnects, long seed) {

  /// Checks every number.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public ServeBenchmark {
    require("clients", clients, 16);
    require("requests", requests, 64);
    require("prompt_tokens", promptTokens, 128);
    require("max_length", newTokens, 64);
    if (!(disconnects >= 0 && disconnects <= 1)) {
      throw new IllegalArgumentException(
          "disconnects %s is not from 0 to 1; use 0.33 for a third".formatted(disconnects));
    }
  }

  private static void require(String name, int value, int remedy) {
    if (value < 1) {
      throw new IllegalArgumentException("%s %d is below 1; use %d".formatted(name, value, remedy));
    }
  }

  /// What was measured.
  ///
  /// @param tokensPerSecond of all streams together, over HTTP
  /// @param engineTokensPerSecond of the engine without HTTP
  /// @param firstToken seconds until a stream's first event, in ascending order
  /// @param between seconds between two events of a stream, in ascending order
  /// @param disconnected streams whose client left
  public record Result(
      double tokensPerSecond,
      double engineTokensPerSecond,
      List<Double> firstToken,
      List<Double> between,
      int disconnected) {

    /// The smallest value that a share of the values does not exceed; NaN if there are none.
    ///
    /// @param ascending the values in ascending order
    /// @param share above 0, at most 1
    public static double percentile(List<Double> ascending, double share) {
      if (ascending.isEmpty()) {
        return Double.NaN;
      }
      int rank = (int) Math.ceil(share * ascending.size());
      return ascending.get(Math.max(0, rank - 1));
    }
  }

  /// One stream.
  private record Stream(double firstToken, List<Double> between, int tokens, boolean left) {}

  /// Measures.
  ///
  /// @param server that serves the model, without a key, with a queue for all clients
  /// @throws IOException if a stream does not end as it should
  public Result run(ApiServer server, BatchedModel model) throws IOException, InterruptedException {
    double engine = engineTokensPerSecond(model);
    List<Stream> streams = new ArrayList<>();
    long start = System.nanoTime();
    try (HttpClient http = HttpClient.newHttpClient();
        ExecutorService threads = Executors.newFixedThreadPool(clients)) {
      List<Future<Stream>> running = new ArrayList<>();
      for (int i = 0; i < requests; i++) {
        int request = i;
        running.add(threads.submit(() -> stream(http, server.uri(), model, request)));
      }
      for (Future<Stream> each : running) {
        streams.add(each.get());
      }
    } catch (ExecutionException failed) {
      throw new IOException("a stream failed: " + failed.getCause(), failed);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Result(
        streams.stream().mapToInt(Stream::tokens).sum() / seconds,
        engine,
        streams.stream().map(Stream::firstToken).sorted().toList(),
        streams.stream().flatMap(each -> each.between.stream()).sorted().toList(),
        (int) streams.stream().filter(Stream::left).count());
  }

  private double engineTokensPerSecond(BatchedModel model) throws InterruptedException {
    Semaphore free = new Semaphore(clients);
    LongAdder tokens = new LongAdder();
    long start = System.nanoTime();
    for (int i = 0; i < requests; i++) {
      free.acquire();
      GenerationSettings settings =
          GenerationSettings.of(
              newTokens,
              new SamplingSettings(1, 0, 1, 0, 1, seed + i)
                  .withAdjustments(new LogitAdjustments(0, 0, endless(model))));
      model.submit(
          this,
          new BatchScheduler.Request(prompt(model, i), 1, 0, settings),
          new BatchScheduler.Listener() {
            @Override
            public void finished(int sample, Completion completion) {
              tokens.add(completion.sampled().size());
              free.release();
            }

            @Override
            public void failed(RuntimeException failure) {
              free.release();
            }
          });
    }
    free.acquire(clients);
    return tokens.sum() / ((System.nanoTime() - start) / 1e9);
  }

  /// The bias by which a text does not end early.
  private static Map<Integer, Double> endless(BatchedModel model) {
    Map<Integer, Double> bias = new HashMap<>();
    model.endTokens().forEach(token -> bias.put(token, -100.0));
    return bias;
  }

  private int[] prompt(BatchedModel model, int request) {
    int known = model.tokenizer().vocabSize();
    RandomStream random = new RandomStream(seed, request);
    return IntStream.range(0, promptTokens).map(i -> (int) (random.at(2 + i) * known)).toArray();
  }

  private Stream stream(HttpClient http, URI server, BatchedModel model, int request)
      throws IOException, InterruptedException {
    ObjectNode body = RequestBody.JSON.createObjectNode();
    ArrayNode prompt = body.putArray("prompt");
    for (int token : prompt(model, request)) {
      prompt.add(token);
    }
    body.put("max_tokens", newTokens).put("seed", seed + request).put("stream", true);
    body.putObject("stream_options").put("include_usage", true);
    ObjectNode bias = body.putObject("logit_bias");
    endless(model).forEach((token, value) -> bias.put(token.toString(), value));
    RandomStream random = new RandomStream(seed, request);
    boolean leaves = random.at(0) < disconnects;
    int most = leaves ? (int) (random.at(1) * newTokens) : Integer.MAX_VALUE;
    HttpRequest call =
        HttpRequest.newBuilder(server.resolve("/v1/completions"))
            .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
            .build();
    long start = System.nanoTime();
    HttpResponse<InputStream> answer = http.send(call, HttpResponse.BodyHandlers.ofInputStream());
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8))) {
      return read(lines, start, most, answer.statusCode());
    }
  }

  private static Stream read(BufferedReader lines, long start, int most, int status)
      throws IOException {
    List<Double> between = new ArrayList<>();
    double first = 0;
    long before = start;
    int events = 0;
    int tokens = 0;
    String line = lines.readLine();
    while (line != null && !line.equals("data: [DONE]") && events <= most) {
      if (line.startsWith("data: {")) {
        long now = System.nanoTime();
        if (events == 0) {
          first = (now - start) / 1e9;
        } else {
          between.add((now - before) / 1e9);
        }
        before = now;
        events++;
        tokens =
            RequestBody.JSON
                .readTree(line.substring("data: ".length()))
                .path("usage")
                .path("completion_tokens")
                .asInt(events);
      }
      line = lines.readLine();
    }
    boolean left = line != null && events > most;
    if (line == null || status != 200) {
      throw new IOException("it ended with status %d after %d events".formatted(status, events));
    }
    return new Stream(first, between, tokens, left);
  }
}
