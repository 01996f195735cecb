package bitnet.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.generation.GenerationSettings;
import bitnet.generation.SamplingSettings;
import bitnet.generation.TextModel;
import bitnet.model.LanguageModel;
import bitnet.model.LogSoftmax;
import bitnet.runtime.RuntimeSettings;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The server over real HTTP, on a model that transformers wrote, whose words are `w0`, `w1`, ...
class ApiServerTest {
  private static final Path FIXTURE =
      Path.of("../bitnet-core/src/test/resources/fixtures/online-autobitlinear");
  private static final RuntimeSettings RUNTIME = RuntimeSettings.exact().withThreads(1);
  private static final BatchSettings BATCHING = new BatchSettings(4, 16, 4 << 20);
  private static final int VOCAB = 119;
  private static final String KEY = "sk-correct";

  @TempDir private static Path directory;
  private static final ConcurrentLinkedQueue<String> LOG = new ConcurrentLinkedQueue<>();
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private static BatchedModel model;
  private static ApiServer server;

  @BeforeAll
  static void start() throws IOException {
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(FIXTURE.resolve(name), directory.resolve(name));
    }
    String vocabulary =
        IntStream.range(0, VOCAB)
            .mapToObj("\"w%1$d\": %1$d"::formatted)
            .collect(Collectors.joining(", "));
    Files.writeString(
        directory.resolve("tokenizer.json"),
        """
        {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
         "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
         "post_processor": null, "decoder": null,
         "model": {"type": "WordLevel", "unk_token": "w0", "vocab": {%s}}}
        """
            .formatted(vocabulary));
    model = BatchedModel.open(directory, RUNTIME, BATCHING);
    server = ApiServer.start(settings(List.of()), LOG::add);
    server.serve(model);
  }

  @AfterAll
  static void stop() {
    server.close();
    model.close();
  }

  private static ServerSettings settings(List<String> keys) {
    return new ServerSettings(
        "127.0.0.1",
        0,
        keys,
        "org/tiny",
        false,
        BATCHING,
        new ServerSettings.Limits(28, 0, 100_000, 60, 1, 1));
  }

  private static HttpResponse<String> send(HttpRequest.Builder request, String path)
      throws IOException, InterruptedException {
    return CLIENT.send(
        request.uri(URI.create(server.uri() + path)).timeout(Duration.ofSeconds(60)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static HttpResponse<String> post(String path, String body)
      throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder().POST(HttpRequest.BodyPublishers.ofString(body)), path);
  }

  private static JsonNode json(HttpResponse<String> response, int status) throws IOException {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    return RequestBody.JSON.readTree(response.body());
  }

  private static JsonNode get(String path) throws IOException, InterruptedException {
    return json(send(HttpRequest.newBuilder(), path), 200);
  }

  private static List<JsonNode> events(String body) throws IOException {
    List<JsonNode> events = new ArrayList<>();
    for (String line : body.lines().filter(line -> line.startsWith("data: {")).toList()) {
      events.add(RequestBody.JSON.readTree(line.substring("data: ".length())));
    }
    return events;
  }

  @Test
  void aCompletionIsTheTextThatTheModelWritesAlone() throws Exception {
    JsonNode answer =
        json(
            post(
                "/v1/completions",
                "{\"prompt\": \"w5 w6 w7\", \"max_tokens\": 8, \"temperature\": 0}"),
            200);

    try (TextModel alone = TextModel.open(directory, "cpu", RUNTIME)) {
      GenerationSettings settings = GenerationSettings.of(8, SamplingSettings.GREEDY);
      assertThat(answer.at("/choices/0/text").asText())
          .isEqualTo(alone.generator().generate("w5 w6 w7", settings, piece -> {}).text());
    }
    assertThat(answer.path("object").asText()).isEqualTo("text_completion");
    assertThat(answer.path("model").asText()).isEqualTo("org/tiny");
    assertThat(answer.at("/choices/0/finish_reason").asText()).isEqualTo("length");
    assertThat(answer.path("usage").toString())
        .isEqualTo(
            "{\"prompt_tokens\":3,\"completion_tokens\":8,\"total_tokens\":11,"
                + "\"prompt_tokens_details\":{\"cached_tokens\":0}}");
  }

  @Test
  void anEchoedPromptHasTheLogProbabilitiesOfTheModel() throws Exception {
    int[] prompt = {5, 6, 7, 8, 9};
    JsonNode choice =
        json(
                post(
                    "/v1/completions",
                    "{\"prompt\": [[1, 2], [5, 6, 7, 8, 9]], \"max_tokens\": 1, \"temperature\": 0,"
                        + " \"logprobs\": 1, \"echo\": true, \"seed\": 1234}"),
                200)
            .at("/choices/1");

    JsonNode values = choice.at("/logprobs/token_logprobs");
    assertThat(choice.path("index").asInt()).isEqualTo(1);
    assertThat(values).hasSize(prompt.length + 1);
    assertThat(values.get(0).isNull()).isTrue();
    try (TextModel alone = TextModel.open(directory, "cpu", RUNTIME);
        LanguageModel.Session session = alone.model().begin(prompt.length)) {
      for (int i = 0; i + 1 < prompt.length; i++) {
        float[] logits = session.advance(prompt[i]);
        assertThat(values.get(i + 1).doubleValue()).isEqualTo(LogSoftmax.at(logits, prompt[i + 1]));
        double most = Double.NEGATIVE_INFINITY;
        for (JsonNode each : choice.at("/logprobs/top_logprobs/" + (i + 1))) {
          most = Math.max(most, each.doubleValue());
        }
        double highest = Double.NEGATIVE_INFINITY;
        for (int id = 0; id < logits.length; id++) {
          highest = Math.max(highest, LogSoftmax.at(logits, id));
        }
        assertThat(most).isEqualTo(highest);
      }
    }
    String text = choice.path("text").asText();
    for (int i = 0; i < prompt.length; i++) { // every token begins where it is said to
      int offset = choice.at("/logprobs/text_offset/" + i).asInt();
      assertThat(text.substring(offset).strip()).startsWith("w" + prompt[i]);
    }
  }

  @Test
  void aStreamHasTheTextOfAWholeAnswerAndEndsWithItsUsage() throws Exception {
    String body =
        "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\":"
            + " \"w5\"}]}], \"max_completion_tokens\": 6, \"seed\": 3, \"n\": 2, \"logprobs\":"
            + " true, \"top_logprobs\": 2, \"stream\": %s, \"stream_options\": {\"include_usage\":"
            + " true}}";

    JsonNode whole = json(post("/v1/chat/completions", body.formatted("false")), 200);
    HttpResponse<String> streamed = post("/chat/completions", body.formatted("true"));

    assertThat(streamed.headers().firstValue("Content-Type")).hasValue("text/event-stream");
    assertThat(streamed.body()).endsWith("data: [DONE]\n\n");
    List<JsonNode> events = events(streamed.body());
    assertThat(events.getFirst().at("/choices/0/delta/role").asText()).isEqualTo("assistant");
    assertThat(events.getLast().path("choices")).isEmpty();
    assertThat(events.getLast().path("usage")).isEqualTo(whole.path("usage"));
    for (int choice = 0; choice < 2; choice++) {
      StringBuilder text = new StringBuilder();
      List<JsonNode> tokens = new ArrayList<>();
      for (JsonNode event : events) {
        JsonNode part = event.path("choices").path(0);
        if (part.path("index").asInt(-1) == choice) {
          text.append(part.at("/delta/content").asText());
          part.at("/logprobs/content").forEach(tokens::add);
        }
      }
      JsonNode expected = whole.path("choices").path(choice);
      assertThat(text).hasToString(expected.at("/message/content").asText());
      assertThat(tokens).hasSize(6).containsExactlyElementsOf(expected.at("/logprobs/content"));
    }
  }

  @Test
  void biasAndPenaltiesSteerTheText() throws Exception {
    String body =
        "{\"prompt\": \"w5\", \"max_tokens\": 6, \"temperature\": 0, %s, \"logprobs\": 0}";

    JsonNode banned =
        json(post("/v1/completions", body.formatted("\"logit_bias\": {\"9\": 100}")), 200);
    assertThat(banned.at("/choices/0/logprobs/tokens").toString())
        .isEqualTo("[\"w9\",\"w9\",\"w9\",\"w9\",\"w9\",\"w9\"]");
    JsonNode varied =
        json(
            post(
                "/v1/completions",
                body.formatted(
                    "\"logit_bias\": {\"9\": 30, \"8\": 29.5}, \"frequency_penalty\": 2")),
            200);
    // 30 - 2 c against 29.5 - 2 c, which the model's own logits (below 1) do not outweigh for long
    assertThat(varied.at("/choices/0/logprobs/tokens").toString()).contains("w9").contains("w8");
  }

  @Test
  void sixteenClientsGetWhatEachWouldGetAlone() throws Exception {
    String body = "{\"prompt\": \"w5 w%d\", \"max_tokens\": 12, \"seed\": %d, \"logprobs\": 3}";
    List<JsonNode> alone = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      alone.add(json(post("/v1/completions", body.formatted(i, i)), 200).path("choices"));
    }
    try (ExecutorService clients = Executors.newFixedThreadPool(16)) {
      List<Future<JsonNode>> together = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        String mine = body.formatted(i, i);
        together.add(
            clients.submit(() -> json(post("/v1/completions", mine), 200).path("choices")));
      }
      for (int i = 0; i < 16; i++) {
        assertThat(together.get(i).get()).isEqualTo(alone.get(i));
      }
    }
  }

  @Test
  void sixteenClientsGetTheSameWithAndWithoutWhatOthersHaveRead() throws Exception {
    String shared = "w1 w2 w3 w4 w5 w6 w7 w8 ".repeat(6);
    String body =
        "{\"prompt\": \"%s w%d\", \"max_tokens\": 12, \"n\": %d, \"seed\": %d, \"logprobs\": 3}";
    BatchSettings without = new BatchSettings(4, 16, 0);
    List<String> alone = new ArrayList<>();
    try (BatchedModel plain = BatchedModel.open(directory, RUNTIME, without);
        ApiServer other = ApiServer.start(settings(List.of()), LOG::add)) {
      other.serve(plain);
      for (int i = 0; i < 16; i++) {
        String text =
            CLIENT
                .send(
                    HttpRequest.newBuilder(URI.create(other.uri() + "/v1/completions"))
                        .POST(
                            HttpRequest.BodyPublishers.ofString(
                                body.formatted(shared, i, 1 + i % 2, i)))
                        .build(),
                    HttpResponse.BodyHandlers.ofString())
                .body();
        JsonNode answer = RequestBody.JSON.readTree(text);
        assertThat(answer.at("/usage/prompt_tokens_details/cached_tokens").asInt()).isZero();
        alone.add(answer.path("choices").toString());
      }
    }
    int cached = 0;
    for (int round = 0; round < 2; round++) {
      try (ExecutorService clients = Executors.newFixedThreadPool(16)) {
        List<Future<JsonNode>> together = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
          String mine = body.formatted(shared, i, 1 + i % 2, i);
          together.add(clients.submit(() -> json(post("/v1/completions", mine), 200)));
        }
        for (int i = 0; i < 16; i++) {
          JsonNode answer = together.get(i).get();
          assertThat(answer.path("choices").toString()).isEqualTo(alone.get(i));
          cached += answer.at("/usage/prompt_tokens_details/cached_tokens").asInt();
        }
      }
    }
    assertThat(cached).isGreaterThan(16 * 48); // all of the second round, and some of the first
  }

  private static void awaitIdle() throws IOException, InterruptedException {
    for (int i = 0; i < 1000 && !isIdle(); i++) {
      Thread.sleep(20);
    }
    assertThat(isIdle()).isTrue();
  }

  @Test
  void thePageForBrowsersLoadsNothingFromElsewhere() throws Exception {
    HttpResponse<String> page = send(HttpRequest.newBuilder(), "/");

    assertThat(page.headers().firstValue("Content-Type")).hasValue("text/html; charset=utf-8");
    assertThat(page.headers().firstValue("Content-Security-Policy").orElse(""))
        .startsWith("default-src 'none'; connect-src 'self'");
    assertThat(page.body()).doesNotContain("http://", "https://", "innerHTML");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "temperature": "hot"                      | temperature
          "temperature": 3                          | temperature
          "top_p": 0                                | top_p
          "max_tokens": 0                           | max_tokens
          "seed": 1.5                               | seed
          "stop": [""]                              | stop
          "n": 129                                  | n
          "n": 40                                   | n
          "logit_bias": {"119": 1}                  | logit_bias
          "logit_bias": {"5": 101}                  | logit_bias
          "logit_bias": {"w5": 1}                   | logit_bias
          "logit_bias": [5]                         | logit_bias
          "frequency_penalty": 2.5                  | frequency_penalty
          "presence_penalty": "no"                  | presence_penalty
          "tools": [{"type": "function"}]           | tools
          "response_format": {"type": "json_object"} | response_format
          "response_format": {"type": "xml"}        | response_format
          "response_format": {"type": "json_schema"} | response_format
          "suffix": "x"                             | suffix
          "best_of": 3                              | best_of
          "stream": "yes"                           | stream
          "prompt": null                            | prompt
          "prompt": [119]                           | prompt
          "prompt": [[-1]]                          | prompt
          "prompt": []                              | prompt
          """)
  void whatCannotBeHonouredIsRefusedNamingTheField(String field, String param) throws Exception {
    String prompt = param.equals("prompt") ? "" : "\"prompt\": \"w5\", ";
    JsonNode answer = json(post("/v1/completions", "{" + prompt + field + "}"), 400);

    assertThat(answer.at("/error/param").asText()).isEqualTo(param);
    assertThat(answer.at("/error/type").asText()).isEqualTo("invalid_request_error");
  }

  @Test
  void pathsMethodsAndSizesThatAreWrongAreAnsweredAsErrors() throws Exception {
    json(send(HttpRequest.newBuilder(), "/v1/nothing"), 404);
    json(send(HttpRequest.newBuilder(), "/v1/models/other"), 404);
    json(send(HttpRequest.newBuilder(), "/v1/completions"), 405);
    json(post("/v1/completions", "{\"prompt\": \"" + "w5 ".repeat(40_000) + "\"}"), 413);
    json(post("/v1/completions", "{"), 400);
    assertThat(
            json(post("/v1/completions", "{\"prompt\": \"" + "w5 ".repeat(20_000) + "\"}"), 400)
                .at("/error/code")
                .asText())
        .isEqualTo("context_length_exceeded");
  }

  @Test
  void theModelItsTokenizerAndTheMetricsAreShown() throws Exception {
    assertThat(get("/v1/models").at("/data/0/id").asText()).isEqualTo("org/tiny");
    assertThat(get("/v1/models/org%2Ftiny").path("object").asText()).isEqualTo("model");
    assertThat(get("/tokenizer_info").path("vocab_size").asInt()).isEqualTo(VOCAB);
    assertThat(get("/health").path("status").asText()).isEqualTo("ok");
    assertThat(json(post("/tokenize", "{\"prompt\": \"w5 w6\"}"), 200).path("tokens").toString())
        .isEqualTo("[5,6]");
    assertThat(json(post("/v1/detokenize", "{\"tokens\": [5, 6]}"), 200).path("prompt").asText())
        .isEqualTo("w5 w6");
    assertThat(send(HttpRequest.newBuilder(), "/metrics").body())
        .contains("bitnet_tokens_predicted_total ");
  }

  @Test
  void aKeyIsAskedForAndAModelAwaited() throws Exception {
    try (ApiServer guarded = ApiServer.start(settings(List.of("other", KEY)), LOG::add)) {
      for (String authorization : List.of("", "Bearer ", "Bearer wrong", KEY, "Bearer " + KEY)) {
        HttpRequest request =
            HttpRequest.newBuilder(URI.create(guarded.uri() + "/v1/models"))
                .header("Authorization", authorization)
                .build();
        HttpResponse<String> answer = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode())
            .as(authorization)
            .isEqualTo(authorization.equals("Bearer " + KEY) ? 503 : 401);
        assertThat(answer.body()).doesNotContain(KEY);
      }
      assertThat(
              CLIENT
                  .send(
                      HttpRequest.newBuilder(URI.create(guarded.uri() + "/health")).build(),
                      HttpResponse.BodyHandlers.ofString())
                  .statusCode())
          .isEqualTo(503);
    }
  }

  @Test
  void anAddressBeyondThisMachineNeedsAKey() {
    ServerSettings.Limits limits = settings(List.of()).limits();
    assertThatThrownBy(
            () -> new ServerSettings("0.0.0.0", 0, List.of(), "m", false, BATCHING, limits))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--api_key_file");
  }

  @Test
  void aClientThatSendsHalfARequestIsCutOff() throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.uri().getPort())) {
      socket.setSoTimeout(10_000);
      socket
          .getOutputStream()
          .write(
              "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"
                  .getBytes(StandardCharsets.US_ASCII));
      InputStream in = socket.getInputStream();
      assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8)).startsWith("HTTP/1.1 408");
    }
  }

  @Test
  void aClientThatGoesFreesItsSlot() throws Exception {
    for (int i = 0; i < 8; i++) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.uri().getPort())) {
        String body = "{\"prompt\": \"w5\", \"max_tokens\": 100000, \"n\": 4, \"stream\": true}";
        String request =
            "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
                .formatted(body.length(), body);
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        assertThat(socket.getInputStream().read()).isEqualTo('H');
        socket.setSoLinger(true, 0); // reset
      }
    }
    json(post("/v1/completions", "{\"prompt\": \"w5\", \"max_tokens\": 2}"), 200);
    awaitIdle();
  }

  private static boolean isIdle() throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder(), "/metrics")
        .body()
        .contains("bitnet_sequences_processing 0\n");
  }

  @Test
  void mutatedRequestsAreAnsweredAndHarmNobody() throws Exception {
    String valid =
        "{\"prompt\": [\"w5 w6\"], \"max_tokens\": 2, \"n\": 2, \"seed\": 7, \"stop\": [\"w9\"],"
            + " \"temperature\": 0.5, \"logprobs\": 2, \"echo\": true, \"stream\": false}";
    Random random = new Random(11);
    int inputs = Integer.getInteger("bitnet.hostile.inputs", 1000) / 5;
    for (int i = 0; i < inputs; i++) {
      StringBuilder body = new StringBuilder(valid);
      for (int change = 0; change <= random.nextInt(3); change++) {
        int at = random.nextInt(body.length());
        switch (random.nextInt(4)) {
          case 0 -> body.deleteCharAt(at);
          case 1 -> body.insert(at, (char) random.nextInt(0x2FF));
          case 2 -> body.setCharAt(at, "{}[]\",:-0e9".charAt(random.nextInt(11)));
          default -> body.insert(at, body.substring(at, Math.min(body.length(), at + 9)));
        }
      }
      HttpResponse<String> answer = post("/v1/completions", body.toString());
      assertThat(answer.statusCode()).as("%s: %s", body, answer.body()).isIn(200, 400);
    }
    json(post("/v1/completions", valid), 200);
    assertThat(LOG).noneMatch(line -> line.startsWith("failure: Null") || line.contains("w5"));
  }
}
