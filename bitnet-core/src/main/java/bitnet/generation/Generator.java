package bitnet.generation;

import bitnet.model.LanguageModel;
import bitnet.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// Continues texts with a model. Stateless between texts; the model and the tokenizer stay their
/// owner's. [TextModel] opens both from a directory.
public final class Generator {
  private static final double NANOS = 1e9;

  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final Set<Integer> endTokens;

  /// A generator whose texts end with the tokenizer's end-of-text token.
  ///
  /// @throws IllegalArgumentException if the tokenizer has more tokens than the model
  public Generator(LanguageModel model, Tokenizer tokenizer) {
    this(model, tokenizer, Set.of());
  }

  /// A generator whose texts end with the tokenizer's end-of-text token or with one of others.
  ///
  /// @throws IllegalArgumentException if the tokenizer has more tokens than the model
  public Generator(LanguageModel model, Tokenizer tokenizer, Set<Integer> moreEndTokens) {
    if (tokenizer.vocabSize() > model.config().vocabSize()) {
      throw new IllegalArgumentException(
          "the tokenizer has %d tokens but the model %d; use the tokenizer that belongs to it"
              .formatted(tokenizer.vocabSize(), model.config().vocabSize()));
    }
    this.model = model;
    this.tokenizer = tokenizer;
    this.endTokens = endTokens(tokenizer, moreEndTokens);
  }

  /// The tokens that end a text: the tokenizer's own and those that a model names.
  static Set<Integer> endTokens(Tokenizer tokenizer, Set<Integer> more) {
    Set<Integer> all = new HashSet<>(more);
    tokenizer.endOfText().ifPresent(all::add);
    return Set.copyOf(all);
  }

  /// The same tokenizer and end tokens over another model, for example this one made to wait.
  ///
  /// @throws IllegalArgumentException if the tokenizer has more tokens than the model
  public Generator over(LanguageModel other) {
    return new Generator(other, tokenizer, endTokens);
  }

  /// Continues a prompt, as sequence 0.
  ///
  /// @param prompt may be empty: the model then starts from its begin- or end-of-text token
  /// @param onText receives the text as it is made, in pieces of whole characters; the pieces
  ///     together are the completion's text
  /// @throws IllegalArgumentException if the prompt does not fit the model's context, or is empty
  ///     where the tokenizer has no token to start from
  public Completion generate(String prompt, GenerationSettings settings, Consumer<String> onText) {
    return generate(promptTokens(prompt), 0, settings, onText);
  }

  /// Continues tokens.
  ///
  /// @param prompt at least one token
  /// @param sequence selects the random numbers, see [RandomStream]; the same prompt in another
  ///     sequence gives another completion
  /// @param onText as above
  /// @throws IllegalArgumentException if the prompt is empty, does not fit the model's context or
  ///     has tokens outside the vocabulary
  public Completion generate(
      int[] prompt, long sequence, GenerationSettings settings, Consumer<String> onText) {
    int context = model.config().contextLength();
    if (prompt.length > context) {
      throw new IllegalArgumentException(
          "the prompt has %d tokens, but the model's context is %d; shorten it"
              .formatted(prompt.length, context));
    }
    int capacity = (int) Math.min(context, (long) prompt.length + settings.maxTokens() - 1);
    try (LanguageModel.Session session = model.begin(Math.max(1, capacity))) {
      return extend(session, prompt, sequence, settings, onText, () -> false);
    }
  }

  /// Continues tokens; a session may have read the first ones; afterwards it has read all
  /// but the last drawn token.
  ///
  /// @param tokens what comes before the text, more than the session has read
  /// @param interrupted asked before every token; once it is true the text ends
  /// @throws IllegalArgumentException if the tokens do not fit the session
  Completion extend(
      LanguageModel.Session session,
      int[] tokens,
      long sequence,
      GenerationSettings settings,
      Consumer<String> onText,
      BooleanSupplier interrupted) {
    int context = model.config().contextLength();
    Continuation text =
        new Continuation(tokenizer, endTokens, context, settings, sequence, tokens, onText);
    int[] unread = Arrays.copyOfRange(tokens, session.length(), tokens.length);
    long start = System.nanoTime();
    float[] logits = session.advance(unread);
    long read = System.nanoTime();
    while (!text.take(logits)) {
      if (interrupted.getAsBoolean()) {
        text.interrupt();
        break;
      }
      logits = session.advance(text.lastToken());
    }
    long end = System.nanoTime();
    return text.complete(unread.length, (read - start) / NANOS, (end - read) / NANOS);
  }

  /// The tokens of a prompt as the model expects them: with a begin-of-text token where the
  /// tokenizer adds one.
  ///
  /// @throws IllegalArgumentException if there is no text and no token to start from
  public int[] promptTokens(String prompt) {
    int[] tokens = tokenizer.encodeWithSpecialTokens(prompt);
    if (tokens.length > 0) {
      return tokens;
    }
    OptionalInt begin = tokenizer.beginOfText();
    int start =
        (begin.isPresent() ? begin : tokenizer.endOfText())
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "the prompt is empty and the tokenizer has no begin- or end-of-text token"
                            + " to start from; give at least one character"));
    return new int[] {start};
  }
}
