package bitnet.server;

import bitnet.generation.Completion;
import bitnet.generation.TokenRanking;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The answer to a request for completions, as they are generated.
final class Answer {
  /// Time without output after which a space or an SSE comment is sent: less than half of the
  /// shortest `idle_seconds`, after which Jetty closes an idle connection.
  private static final long SIGN_MILLISECONDS = 400;

  private final Exchange exchange;
  private final AnswerForm form;
  private final String modelName;
  private final String id = "cmpl-" + UUID.randomUUID();
  private final long created = System.currentTimeMillis() / 1000;
  private final int promptTokens;
  private final List<StringBuilder> texts;
  private final List<List<TokenRanking>> tokens;
  private final String[] finish;
  private int completionTokens;
  private int pending;

  Answer(Exchange exchange, AnswerForm form, String modelName, int choices, int promptTokens) {
    this.exchange = exchange;
    this.form = form;
    this.modelName = modelName;
    this.promptTokens = promptTokens;
    this.texts = Stream.generate(StringBuilder::new).limit(choices).toList();
    this.tokens =
        IntStream.range(0, choices)
            .<List<TokenRanking>>mapToObj(choice -> new ArrayList<>())
            .toList();
    this.finish = new String[choices];
    this.pending = choices;
  }

  /// Writes it.
  ///
  /// @param seconds maximum time
  /// @throws IOException if the client is gone, which is noticed while nothing can be written, too
  void write(Generation generation, boolean streamed, boolean usage, int seconds)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + seconds * 1_000_000_000L;
    if (streamed) {
      for (int choice = 0; choice < texts.size(); choice++) {
        ObjectNode opening = form.opening(choice);
        if (opening != null) {
          chunk(opening, usage);
        }
      }
    }
    long sign = System.nanoTime();
    while (pending > 0) {
      long now = System.nanoTime();
      if (now >= end) {
        throw new ApiException(
            503, "the request took longer than %d s".formatted(seconds), null, "timeout");
      }
      Generation.Event event =
          generation.next(Math.min((end - now) / 1_000_000 + 1, SIGN_MILLISECONDS));
      if (event != null) {
        take(event, streamed, usage);
      }
      if (event != null && streamed) {
        sign = System.nanoTime();
      } else if (System.nanoTime() - sign >= SIGN_MILLISECONDS * 1_000_000) {
        sign = System.nanoTime();
        showSign(streamed);
      }
    }
    exchange.count(promptTokens, completionTokens);
    end(streamed, usage, generation.cachedTokens());
  }

  private void showSign(boolean streamed) throws IOException {
    if (streamed) {
      exchange.ping();
    } else {
      exchange.space();
    }
  }

  private void take(Generation.Event event, boolean streamed, boolean usage) throws IOException {
    if (event.failure() != null) {
      throw new IllegalStateException("the model failed", event.failure());
    }
    Completion completion = event.end();
    String reason = completion == null ? null : GenerationEndpoint.finishReason(completion);
    if (completion != null) {
      pending--;
      completionTokens += completion.sampled().size();
      finish[event.choice()] = String.valueOf(reason);
    }
    if (streamed) {
      chunk(form.chunk(event.choice(), event.text(), event.tokens(), reason), usage);
    } else {
      texts.get(event.choice()).append(event.text());
      tokens.get(event.choice()).addAll(event.tokens());
    }
  }

  private void end(boolean streamed, boolean usage, int cachedTokens) throws IOException {
    ObjectNode counts = GenerationEndpoint.usage(promptTokens, cachedTokens, completionTokens);
    if (!streamed) {
      ObjectNode whole = envelope(false, null);
      for (int choice = 0; choice < finish.length; choice++) {
        ((ArrayNode) whole.get("choices"))
            .add(
                form.whole(
                    choice, texts.get(choice).toString(), tokens.get(choice), finish[choice]));
      }
      whole.set("usage", counts);
      exchange.replyAfterSpaces(whole);
      return;
    }
    if (usage) {
      ObjectNode last = envelope(true, null);
      last.set("usage", counts);
      exchange.event(last);
    }
    exchange.endEvents();
  }

  private void chunk(ObjectNode choice, boolean usage) throws IOException {
    ObjectNode chunk = envelope(true, choice);
    if (usage) {
      chunk.putNull("usage");
    }
    exchange.event(chunk);
  }

  private ObjectNode envelope(boolean isChunk, @Nullable ObjectNode choice) {
    ObjectNode node = RequestBody.JSON.createObjectNode();
    node.put("id", id).put("object", form.object(isChunk)).put("created", created);
    node.put("model", modelName);
    ArrayNode choices = node.putArray("choices");
    if (choice != null) {
      choices.add(choice);
    }
    return node;
  }
}
