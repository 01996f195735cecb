package bitnet.server;

import bitnet.generation.BatchScheduler;
import bitnet.generation.BatchedModel;
import bitnet.generation.Completion;
import bitnet.generation.GenerationSettings;
import bitnet.generation.TokenRanking;
import bitnet.server.TextForm.Prompt;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;

/// `/v1/chat/completions` and `/v1/completions`: what a request asks for.
final class GenerationEndpoint {
  private static final int MOST_SAMPLES = 128;

  private final BatchedModel model;
  private final ServerSettings settings;
  private final Counters counters;
  private final ResponseFormats formats;

  GenerationEndpoint(BatchedModel model, ServerSettings settings, Counters counters) {
    this.model = model;
    this.settings = settings;
    this.counters = counters;
    this.formats = new ResponseFormats(model);
  }

  /// Maximum number of tokens of prompt and completion.
  int context() {
    int most = model.config().contextLength();
    int wanted = settings.limits().context();
    return wanted == 0 ? most : Math.min(most, wanted);
  }

  void chat(Exchange exchange, RequestBody body) throws IOException, InterruptedException {
    ArrayNode messages = ChatMessages.of(body);
    Optional<Tools> tools = Tools.of(body, model, formats);
    Map<String, JsonNode> variables = variables(body, tools);
    int[] prompt = tokensOf("messages", () -> model.promptTokens(messages, variables));
    int room = room("messages", prompt);
    String limit = body.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
    int maxTokens = Math.min(room, body.integer(limit, room, 1, Integer.MAX_VALUE));
    int top = body.integer("top_logprobs", 0, 0, 20);
    boolean ranked = body.flag("logprobs");
    if (top > 0 && !ranked) {
      throw ApiException.ofField("top_logprobs", "top_logprobs needs logprobs to be true");
    }
    int samples = body.integer("n", 1, 1, MOST_SAMPLES);
    GenerationSettings how = model.chatSettings(settings(body, maxTokens));
    ChatForm chat = new ChatForm(new TokenNames(model.tokenizer()), ranked);
    AnswerForm form = tools.isPresent() ? new ToolForm(chat, tools.get()) : chat;
    write(
        exchange,
        body,
        form,
        List.of(new Prompt(prompt, "", null)),
        samples,
        tools.isPresent() ? tools.get().apply(how) : how,
        ranked ? top : -1);
  }

  /// What the chat template sees besides the messages.
  private Map<String, JsonNode> variables(RequestBody body, Optional<Tools> tools) {
    Map<String, JsonNode> variables = new HashMap<>();
    JsonNode more = body.node("chat_template_kwargs");
    if (body.has("chat_template_kwargs") && !more.isObject()) {
      throw ApiException.ofField("chat_template_kwargs", "chat_template_kwargs is not an object");
    }
    if (!more.isEmpty() && model.chatTemplate().isEmpty()) {
      throw ApiException.ofField("chat_template_kwargs", "the model has no chat template");
    }
    more.properties().forEach(each -> variables.put(each.getKey(), each.getValue()));
    tools.ifPresent(some -> variables.put("tools", some.offered()));
    return variables;
  }

  void complete(Exchange exchange, RequestBody body) throws IOException, InterruptedException {
    int samples = body.integer("n", 1, 1, MOST_SAMPLES);
    int bestOf = body.integer("best_of", samples, 1, MOST_SAMPLES);
    if (bestOf != samples) {
      throw ApiException.ofField("best_of", "best_of other than n is not supported");
    }
    boolean echo = body.flag("echo");
    int ranked = body.integer("logprobs", -1, 0, 20);
    List<Prompt> prompts = new ArrayList<>();
    int room = Integer.MAX_VALUE;
    for (Prompt prompt : prompts(body)) {
      room = Math.min(room, room("prompt", prompt.tokens()));
      AtomicReferenceArray<TokenRanking> rankings =
          echo && ranked >= 0 ? new AtomicReferenceArray<>(prompt.tokens().length) : null;
      prompts.add(new Prompt(prompt.tokens(), prompt.text(), rankings));
    }
    int maxTokens = Math.min(room, body.integer("max_tokens", 16, 1, Integer.MAX_VALUE));
    SamplingFields.refuseChat(body);
    GenerationSettings how = settings(body, maxTokens);
    AnswerForm form = new TextForm(model.tokenizer(), prompts, samples, echo, ranked >= 0);
    write(exchange, body, form, prompts, samples, how, ranked);
  }

  private GenerationSettings settings(RequestBody body, int maxTokens) {
    return formats.apply(
        body, SamplingFields.settings(body, maxTokens, model.config().vocabSize()));
  }

  private interface TokenSource {
    int[] tokens();
  }

  private static int[] tokensOf(String field, TokenSource source) {
    try {
      return source.tokens();
    } catch (IllegalArgumentException refused) {
      throw ApiException.ofField(field, String.valueOf(refused.getMessage()));
    }
  }

  /// Tokens that fit after a prompt, at least one.
  private int room(String field, int... prompt) {
    if (prompt.length == 0 || prompt.length + 1 > context()) {
      throw new ApiException(
          400,
          "the prompt has %d tokens; 1 to %d and one to generate fit the context of %d"
              .formatted(prompt.length, context() - 1, context()),
          field,
          "context_length_exceeded");
    }
    for (int token : prompt) {
      if (token < 0 || token >= model.config().vocabSize()) {
        throw ApiException.ofField(
            field,
            "token id %d is outside the vocabulary; use 0 to %d"
                .formatted(token, model.config().vocabSize() - 1));
      }
    }
    return context() - prompt.length;
  }

  /// A text, token ids, or a list of either.
  private List<Prompt> prompts(RequestBody body) {
    JsonNode node = body.node("prompt");
    boolean isList = node.isArray() && !node.isEmpty() && !node.get(0).isNumber();
    List<Prompt> prompts = new ArrayList<>();
    for (JsonNode each : isList ? node : List.of(node)) {
      if (each.isTextual()) {
        String text = each.textValue();
        prompts.add(new Prompt(tokensOf("prompt", () -> model.promptTokens(text)), text, null));
      } else {
        int[] ids = ids("prompt", each);
        prompts.add(new Prompt(ids, tokensOfText(ids), null));
      }
    }
    return prompts;
  }

  private String tokensOfText(int... ids) {
    int known = model.tokenizer().vocabSize();
    for (int id : ids) {
      if (id < 0 || id >= known) {
        throw ApiException.ofField(
            "prompt",
            "token id %d is outside the vocabulary; use 0 to %d".formatted(id, known - 1));
      }
    }
    return model.tokenizer().decode(ids);
  }

  static int[] ids(String field, JsonNode list) {
    if (!list.isArray()) {
      throw ApiException.ofField(field, field + " is missing or neither text nor token ids");
    }
    int[] ids = new int[list.size()];
    for (int i = 0; i < ids.length; i++) {
      JsonNode id = list.get(i);
      if (!id.isIntegralNumber() || !id.canConvertToInt()) {
        throw ApiException.ofField(field, field + " has an element that is not a token id");
      }
      ids[i] = id.intValue();
    }
    return ids;
  }

  private void write(
      Exchange exchange,
      RequestBody body,
      AnswerForm form,
      List<Prompt> prompts,
      int samples,
      GenerationSettings how,
      int ranked)
      throws IOException, InterruptedException {
    boolean streamed = body.flag("stream");
    boolean usage = streamed && body.node("stream_options").path("include_usage").asBoolean();
    long choices = (long) prompts.size() * samples;
    ServerSettings.Limits limits = settings.limits();
    int capacity = settings.batching().slots() + limits.queue();
    if (choices > capacity) {
      throw ApiException.ofField(
          samples > 1 ? "n" : "prompt",
          "%d completions are more than this server takes at once (%d)"
              .formatted(choices, capacity));
    }
    if (!counters.admit((int) choices, capacity)) {
      throw new ApiException(429, "the queue is full; try again later", null, "queue_full");
    }
    int promptTokens = prompts.stream().mapToInt(prompt -> prompt.tokens().length).sum();
    counters.promptTokens.add(promptTokens);
    try (Generation generation = new Generation(counters, ranked)) {
      for (int i = 0; i < prompts.size(); i++) {
        Prompt prompt = prompts.get(i);
        generation.submit(
            model,
            new BatchScheduler.Request(prompt.tokens(), samples, (long) i * samples, how),
            i * samples,
            prompt.rankings());
      }
      Answer answer = new Answer(exchange, form, settings.modelName(), (int) choices, promptTokens);
      answer.write(generation, streamed, usage, limits.requestSeconds());
    }
  }

  /// The reason as OpenAI's API names it.
  static String finishReason(Completion completion) {
    return switch (completion.finish()) {
      case EOS, STOP -> "stop";
      case LENGTH, CONTEXT -> "length";
      case INTERRUPTED ->
          throw new ApiException(503, "the server is stopping", null, "interrupted");
    };
  }

  static ObjectNode usage(int promptTokens, int cachedTokens, int completionTokens) {
    ObjectNode usage =
        RequestBody.JSON
            .createObjectNode()
            .put("prompt_tokens", promptTokens)
            .put("completion_tokens", completionTokens)
            .put("total_tokens", promptTokens + completionTokens);
    usage.putObject("prompt_tokens_details").put("cached_tokens", cachedTokens);
    return usage;
  }
}
