package bitnet.server;

import bitnet.generation.TokenRanking;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// Tokens as text, and log-probabilities as JSON.
final class TokenNames {
  private final Tokenizer tokenizer;

  TokenNames(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /// A token's text; `token_id:N` for one without text or with a part of a character.
  String name(int token) {
    String text = token < tokenizer.vocabSize() ? tokenizer.decode(new int[] {token}) : "";
    return text.isEmpty() || text.indexOf('\uFFFD') >= 0 ? "token_id:" + token : text;
  }

  /// The log-probability as chat completions have it.
  ObjectNode chat(TokenRanking ranking) {
    ObjectNode node = entry(ranking.token(), ranking.logProbability());
    ArrayNode top = node.putArray("top_logprobs");
    ranking.top().forEach(each -> top.add(entry(each.token(), each.logProbability())));
    return node;
  }

  private ObjectNode entry(int token, double logProbability) {
    String name = name(token);
    ObjectNode node = RequestBody.JSON.createObjectNode();
    node.put("token", name);
    node.put("logprob", finite(logProbability));
    Optional<byte[]> raw = bytes(token, name);
    if (raw.isEmpty()) {
      node.putNull("bytes");
    } else {
      ArrayNode bytes = node.putArray("bytes");
      for (byte each : raw.get()) {
        bytes.add(Byte.toUnsignedInt(each));
      }
    }
    return node;
  }

  /// What the token adds to a text, also where that is part of a character.
  private Optional<byte[]> bytes(int token, String name) {
    Optional<byte[]> raw = tokenizer.rawBytes(token).filter(bytes -> bytes.length > 0);
    if (raw.isPresent() || name.equals("token_id:" + token)) {
      return raw;
    }
    return Optional.of(name.getBytes(StandardCharsets.UTF_8));
  }

  /// The most probable tokens and the token itself as completions have them. Tokens of the same
  /// text do not share a key.
  ObjectNode top(TokenRanking ranking) {
    ObjectNode node = RequestBody.JSON.createObjectNode();
    ranking.top().forEach(each -> put(node, each.token(), each.logProbability()));
    boolean included = ranking.top().stream().anyMatch(each -> each.token() == ranking.token());
    if (!included) {
      put(node, ranking.token(), ranking.logProbability());
    }
    return node;
  }

  private void put(ObjectNode node, int token, double logProbability) {
    String name = name(token);
    node.put(node.has(name) ? "token_id:" + token : name, finite(logProbability));
  }

  /// JSON has no infinity; OpenAI's API writes -9999 for the impossible.
  static double finite(double logProbability) {
    return Math.max(-9999, logProbability);
  }
}
