package bitnet.server;

import bitnet.generation.TokenRanking;
import bitnet.tokenizer.StreamDecoder;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/// The `logprobs` object of a text completion: parallel arrays of tokens, their log-probabilities,
/// the most probable tokens and where each token begins in the text.
final class TextLogProbabilities {
  private final TokenNames names;
  private final Tokenizer tokenizer;
  private final StreamDecoder decoder;
  private int offset;

  /// @param prompt tokens before the completion
  /// @param promptCharacters where the completion begins in the text of the answer
  TextLogProbabilities(Tokenizer tokenizer, int[] prompt, int promptCharacters) {
    this.names = new TokenNames(tokenizer);
    this.tokenizer = tokenizer;
    this.decoder = tokenizer.streamDecoder();
    if (prompt.length > 0) {
      piece(prompt[prompt.length - 1]); // what follows is decoded as its continuation
    }
    this.offset = promptCharacters;
  }

  private String piece(int token) {
    return token < tokenizer.vocabSize() ? decoder.next(token) : "";
  }

  /// An object with empty arrays.
  static ObjectNode empty() {
    ObjectNode node = RequestBody.JSON.createObjectNode();
    for (String name : List.of("tokens", "token_logprobs", "top_logprobs", "text_offset")) {
      node.putArray(name);
    }
    return node;
  }

  /// Adds the tokens of an echoed prompt.
  void addPrompt(ObjectNode node, int[] prompt, AtomicReferenceArray<TokenRanking> rankings) {
    StreamDecoder pieces = tokenizer.streamDecoder();
    int at = 0;
    for (int i = 0; i < prompt.length; i++) {
      add(node, prompt[i], rankings.get(i), at);
      at += prompt[i] < tokenizer.vocabSize() ? pieces.next(prompt[i]).length() : 0;
    }
  }

  /// Adds drawn tokens.
  void add(ObjectNode node, List<TokenRanking> rankings) {
    for (TokenRanking ranking : rankings) {
      add(node, ranking.token(), ranking, offset);
      offset += piece(ranking.token()).length();
    }
  }

  private void add(ObjectNode node, int token, @Nullable TokenRanking ranking, int at) {
    node.withArray("tokens").add(names.name(token));
    ArrayNode top = node.withArray("top_logprobs");
    if (ranking == null) {
      node.withArray("token_logprobs").addNull();
      top.addNull();
    } else {
      node.withArray("token_logprobs").add(TokenNames.finite(ranking.logProbability()));
      top.add(names.top(ranking));
    }
    node.withArray("text_offset").add(at);
  }
}
