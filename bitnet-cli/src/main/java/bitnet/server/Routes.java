package bitnet.server;

import bitnet.generation.BatchedModel;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// Which path is answered by what, each with and without `/v1`.
final class Routes {
  private static final String MODELS = "/models/";

  private final ServerSettings settings;
  private final ApiKeys keys;
  private final Counters counters;
  private final ChatPage page;
  private final @Nullable GenerationEndpoint generation;
  private final @Nullable ModelEndpoint about;

  /// Routes before the model is loaded.
  Routes(ServerSettings settings) {
    this.settings = settings;
    this.keys = new ApiKeys(settings.apiKeys());
    this.counters = new Counters();
    this.page = ChatPage.load();
    this.generation = null;
    this.about = null;
  }

  private Routes(Routes before, BatchedModel model) {
    this.settings = before.settings;
    this.keys = before.keys;
    this.counters = before.counters;
    this.page = before.page;
    this.generation = new GenerationEndpoint(model, settings, counters);
    this.about = new ModelEndpoint(model, settings.modelName(), generation.context());
  }

  Routes with(BatchedModel model) {
    return new Routes(this, model);
  }

  void count(Exchange exchange) {
    counters.requests.increment();
    if (exchange.status() >= 400) {
      counters.failures.increment();
    }
  }

  void answer(Exchange exchange) throws IOException, InterruptedException {
    String full = exchange.path();
    String path = full.startsWith("/v1/") ? full.substring(3) : full;
    if (path.equals("/health")) {
      requireMethod(exchange, "GET");
      requireLoaded(about);
      exchange.reply(200, RequestBody.JSON.createObjectNode().put("status", "ok"));
      return;
    }
    if (full.equals("/")) { // has no secrets, and asks for the key
      requireMethod(exchange, "GET");
      exchange.reply(page);
      return;
    }
    if (!keys.admit(exchange.header("Authorization"))) {
      throw new ApiException(
          401,
          "the request has no valid API key; send Authorization: Bearer KEY",
          null,
          "invalid_api_key");
    }
    switch (path) {
      case "/chat/completions", "/completions", "/tokenize", "/detokenize" -> post(exchange, path);
      default -> get(exchange, path);
    }
  }

  private void post(Exchange exchange, String path) throws IOException, InterruptedException {
    requireMethod(exchange, "POST");
    RequestBody body = RequestBody.parse(exchange.body(settings.limits().bodyBytes()));
    GenerationEndpoint generating = requireLoaded(generation);
    ModelEndpoint model = requireLoaded(about);
    switch (path) {
      case "/chat/completions" -> generating.chat(exchange, body);
      case "/completions" -> generating.complete(exchange, body);
      case "/tokenize" -> exchange.reply(200, model.tokenize(body));
      default -> exchange.reply(200, model.detokenize(body));
    }
  }

  private void get(Exchange exchange, String path) {
    switch (path) {
      case "/metrics" -> {
        requireMethod(exchange, "GET");
        exchange.reply(
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            counters.text(settings.batching().slots()));
      }
      case "/models" -> {
        requireMethod(exchange, "GET");
        exchange.reply(200, requireLoaded(about).list());
      }
      case "/tokenizer_info" -> {
        requireMethod(exchange, "GET");
        exchange.reply(200, requireLoaded(about).tokenizerInfo());
      }
      default -> {
        if (!path.startsWith(MODELS)) {
          throw new ApiException(404, "there is nothing at this path", null, "not_found");
        }
        requireMethod(exchange, "GET");
        String id = path.substring(MODELS.length()).replace("%2F", "/").replace("%2f", "/");
        exchange.reply(200, requireLoaded(about).get(id));
      }
    }
  }

  private static void requireMethod(Exchange exchange, String method) {
    if (!exchange.method().equals(method)) {
      throw new ApiException(
          405, "this path takes %s requests".formatted(method), null, "method_not_allowed");
    }
  }

  private static <T> T requireLoaded(@Nullable T part) {
    if (part == null) {
      throw new ApiException(503, "the model is being loaded", null, "loading");
    }
    return part;
  }
}
