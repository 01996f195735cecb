package bitnet.generation;

import bitnet.grammar.TokenGrammar;
import bitnet.tokenizer.StreamDecoder;
import bitnet.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One text in the making: takes logits, draws tokens, knows when it ends. It depends on its own
/// prompt, settings and number only, not on other texts generated at the same time.
final class Continuation {
  private final Tokenizer tokenizer;
  private final Set<Integer> endTokens;
  private final GenerationSettings settings;
  private final Consumer<String> onText;
  private final int promptLength;
  private final int context;
  private final Sampler sampler;
  private final RandomStream random;
  private final StreamDecoder decoder;
  private final StopStrings stops;
  private final TokenHistory history;
  private final List<SampledToken> sampled = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();
  private final TokenGrammar.@Nullable Progress form;
  private @Nullable FinishReason finish;

  Continuation(
      Tokenizer tokenizer,
      Set<Integer> endTokens,
      int context,
      GenerationSettings settings,
      long sequence,
      int[] prompt,
      Consumer<String> onText) {
    this.tokenizer = tokenizer;
    this.endTokens = endTokens;
    this.context = context;
    this.settings = settings;
    this.onText = onText;
    this.promptLength = prompt.length;
    this.sampler = Sampler.of(settings.sampling(), settings.recorded());
    this.random = new RandomStream(settings.sampling().seed(), sequence);
    this.decoder = tokenizer.streamDecoder();
    this.stops = new StopStrings(settings.stopStrings());
    this.form = settings.grammar() == null ? null : settings.grammar().begin();
    this.history = new TokenHistory(prompt);
    // a decoder treats the first token of a text specially, and this continues one
    decode(prompt[prompt.length - 1]);
  }

  /// Draws the next token.
  ///
  /// @param logits `[vocab]` of the token that follows
  /// @return whether the text has ended
  boolean take(float[] logits) {
    SampledToken token =
        sampler.sample(
            logits, history, form == null ? null : form.mask(), random.at(sampled.size()));
    sampled.add(token);
    history.draw(token.id());
    if (form != null) {
      form.take(token.id());
    }
    finish = finishAfter(token.id());
    return finish != null;
  }

  private @Nullable FinishReason finishAfter(int token) {
    if (endTokens.contains(token)) {
      return FinishReason.EOS;
    }
    show(stops.accept(decode(token)));
    if (stops.found()) {
      return FinishReason.STOP;
    }
    if (form != null && form.isEnded()) {
      return FinishReason.STOP;
    }
    if (sampled.size() == settings.maxTokens()) {
      return FinishReason.LENGTH;
    }
    // the token just drawn has yet to be read
    return promptLength + sampled.size() > context ? FinishReason.CONTEXT : null;
  }

  /// The token drawn last.
  int lastToken() {
    return sampled.getLast().id();
  }

  /// The token drawn last, with its probability.
  SampledToken lastSampled() {
    return sampled.getLast();
  }

  /// Ends the text before its next token.
  void interrupt() {
    finish = FinishReason.INTERRUPTED;
  }

  /// The finished text.
  ///
  /// @param promptTokens tokens that were read for it
  /// @param prefillSeconds reading the prompt took
  /// @param decodeSeconds everything after it took
  Completion complete(int promptTokens, double prefillSeconds, double decodeSeconds) {
    if (finish == null) {
      throw new IllegalStateException("the text has not ended");
    }
    show(stops.accept(decoder.finish()));
    show(stops.rest());
    return new Completion(
        text.toString(),
        sampled,
        finish,
        new Completion.Timings(promptTokens, prefillSeconds, sampled.size() - 1, decodeSeconds));
  }

  /// Models are often wider than their tokenizer, for speed: the tokens beyond it have no text.
  private String decode(int token) {
    return token < tokenizer.vocabSize() ? decoder.next(token) : "";
  }

  private void show(String piece) {
    if (!piece.isEmpty()) {
      text.append(piece);
      onText.accept(piece);
    }
  }
}
