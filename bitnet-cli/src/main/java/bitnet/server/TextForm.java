package bitnet.server;

import bitnet.generation.TokenRanking;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/// Text completions, which may repeat their prompts.
///
/// @param prompts each with `samples` choices
/// @param echo whether a choice begins with its prompt
/// @param ranked whether log-probabilities are wanted
/// @param written of each choice, what its log-probabilities have got to
record TextForm(
    Tokenizer tokenizer,
    List<Prompt> prompts,
    int samples,
    boolean echo,
    boolean ranked,
    Map<Integer, TextLogProbabilities> written)
    implements AnswerForm {

  /// A prompt.
  ///
  /// @param rankings of its tokens, if they are wanted
  record Prompt(int[] tokens, String text, @Nullable AtomicReferenceArray<TokenRanking> rankings) {}

  TextForm(Tokenizer tokenizer, List<Prompt> prompts, int samples, boolean echo, boolean ranked) {
    this(tokenizer, prompts, samples, echo, ranked, new ConcurrentHashMap<>());
  }

  @Override
  public String object(boolean isChunk) {
    return "text_completion";
  }

  /// Null: the prompt's rankings are there when its first token is.
  @Override
  public @Nullable ObjectNode opening(int choice) {
    return null;
  }

  @Override
  public ObjectNode whole(int choice, String text, List<TokenRanking> tokens, String finish) {
    return chunk(choice, text, tokens, finish);
  }

  @Override
  public ObjectNode chunk(
      int choice, String text, List<TokenRanking> tokens, @Nullable String finish) {
    Prompt prompt = prompts.get(choice / samples);
    String before = echo ? prompt.text : "";
    boolean isFirst = !written.containsKey(choice);
    TextLogProbabilities writer =
        written.computeIfAbsent(
            choice, each -> new TextLogProbabilities(tokenizer, prompt.tokens, before.length()));
    ObjectNode node = RequestBody.JSON.createObjectNode().put("index", choice);
    node.put("text", isFirst ? before + text : text);
    if (ranked) {
      ObjectNode logProbabilities = TextLogProbabilities.empty();
      if (isFirst && prompt.rankings != null) {
        writer.addPrompt(logProbabilities, prompt.tokens, prompt.rankings);
      }
      writer.add(logProbabilities, tokens);
      node.set("logprobs", logProbabilities);
    } else {
      node.putNull("logprobs");
    }
    return node.put("finish_reason", finish);
  }
}
