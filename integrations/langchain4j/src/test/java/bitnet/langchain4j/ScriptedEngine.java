package bitnet.langchain4j;

import bitnet.generation.ChatEngine;
import bitnet.generation.Completion;
import bitnet.generation.FinishReason;
import bitnet.generation.GenerationSettings;
import bitnet.generation.SampledToken;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/// Knows the answers that LangChain4j's tests ask a model for; a token is a word.
final class ScriptedEngine implements ChatEngine {
  private static final String JSON = "a stop string that marks settings for JSON";

  @Override
  public Reply answer(JsonNode messages, GenerationSettings settings, Listener listener) {
    String asked = messages.toString();
    boolean isJson = settings.stopStrings().contains(JSON);
    String text = isJson ? "{\"city\": \"Berlin\"}" : text(asked);
    List<String> tokens = List.of(text.split("(?<= )"));
    AtomicBoolean cancelled = new AtomicBoolean();
    Thread.ofPlatform().daemon().start(() -> write(tokens, settings, cancelled, listener));
    return new Reply() {
      @Override
      public int promptTokens() {
        return asked.split(" ").length;
      }

      @Override
      public void cancel() {
        cancelled.set(true);
      }
    };
  }

  private static String text(String asked) {
    return asked.contains("Germany")
        ? "Berlin is the capital of Germany and four."
        : asked.contains("love you")
            ? "Ich liebe dich."
            : asked.contains("color")
                ? "It is green."
                : asked.contains("Hello World")
                    ? "Hello World!"
                    : "A very long story about many animals that all live in one big forest";
  }

  private static void write(
      List<String> tokens,
      GenerationSettings settings,
      AtomicBoolean cancelled,
      Listener listener) {
    StringBuilder text = new StringBuilder();
    List<SampledToken> sampled = new ArrayList<>();
    FinishReason finish = FinishReason.EOS;
    for (String token : tokens) {
      if (cancelled.get()) {
        finish = FinishReason.INTERRUPTED;
        break;
      }
      if (sampled.size() == settings.maxTokens()) {
        finish = FinishReason.LENGTH;
        break;
      }
      sampled.add(new SampledToken(sampled.size(), 0, 0));
      if (settings.stopStrings().stream().anyMatch(token::contains)) {
        finish = FinishReason.STOP;
        break;
      }
      text.append(token);
      listener.text(token);
    }
    listener.finished(
        new Completion(text.toString(), sampled, finish, new Completion.Timings(1, 0, 1, 0)));
  }

  @Override
  public GenerationSettings asJson(GenerationSettings settings, Optional<JsonNode> schema) {
    List<String> stops = new ArrayList<>(settings.stopStrings());
    stops.add(JSON);
    return settings.withStopStrings(stops);
  }
}
