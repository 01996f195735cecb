package bitnet.generation;

import bitnet.model.LanguageModel;
import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.ChatTemplate.Message;
import bitnet.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A conversation with a model: remembers its turns, and what the model has read of them already.
/// One thread uses it; the model and the tokenizer stay their owner's.
public final class Conversation implements AutoCloseable {
  private static final List<String> PLAIN_STOPS = List.of("</assistant>", "<user>");
  private static final int ROOM = 512; // tokens, so that few turns need a larger session

  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final Generator generator;
  private final ChatTemplate template;
  private final boolean plain;
  private final GenerationSettings settings;
  private final List<Message> turns = new ArrayList<>();
  private @Nullable String system;
  private LanguageModel.@Nullable Session session;
  private int capacity;
  private int[] read = {};

  /// A conversation without turns.
  ///
  /// @param template how the model expects a conversation to be written; empty for the plain one
  /// @param settings of every answer
  public Conversation(
      LanguageModel model,
      Tokenizer tokenizer,
      Generator generator,
      Optional<ChatTemplate> template,
      GenerationSettings settings) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.generator = generator;
    this.template = template.orElseGet(ChatTemplate::plain);
    this.plain = template.isEmpty();
    this.settings = template.isPresent() ? settings : withStops(settings);
  }

  static GenerationSettings withStops(GenerationSettings settings) {
    List<String> stops = new ArrayList<>(settings.stopStrings());
    stops.addAll(PLAIN_STOPS);
    return settings.withStopStrings(stops);
  }

  /// Forgets all turns and starts anew with instructions for the model.
  ///
  /// @param instructions the system message; empty for none
  public void reset(String instructions) {
    system = instructions.isEmpty() ? null : instructions;
    turns.clear();
  }

  /// Forgets all turns; the instructions stay.
  public void reset() {
    turns.clear();
  }

  /// Says something and lets the model answer. Where the conversation no longer fits the model's
  /// context its oldest turns are forgotten.
  ///
  /// @param onText receives the answer as it comes
  /// @param interrupted ends the answer once it is true; what was said of it stays
  /// @throws IllegalArgumentException if this alone does not fit the model's context
  public Completion say(String text, Consumer<String> onText, BooleanSupplier interrupted) {
    turns.add(new Message("user", text));
    try {
      int[] tokens = fittingTokens();
      LanguageModel.Session reader = sessionFor(tokens);
      long sequence = turns.size();
      Completion answer = generator.extend(reader, tokens, sequence, settings, onText, interrupted);
      remember(tokens, answer);
      turns.add(new Message("assistant", answer.text()));
      return answer;
    } catch (IllegalArgumentException refusal) {
      turns.removeLast();
      throw refusal;
    }
  }

  /// The number of messages so far, without the system's.
  public int turns() {
    return turns.size();
  }

  private int[] fittingTokens() {
    int room = model.config().contextLength() - Math.min(settings.maxTokens(), ROOM);
    int[] tokens = tokens();
    while (tokens.length > room && turns.size() > 2) {
      turns.subList(0, 2).clear();
      tokens = tokens();
    }
    if (tokens.length >= model.config().contextLength()) {
      throw new IllegalArgumentException(
          "this has %d tokens with its template, but the model's context is %d; shorten it"
              .formatted(tokens.length, model.config().contextLength()));
    }
    return tokens;
  }

  private int[] tokens() {
    List<Message> messages = new ArrayList<>();
    if (system != null) {
      messages.add(new Message("system", system));
    }
    messages.addAll(turns);
    String text = template.render(messages, true);
    // a template writes the special tokens itself; without one a text gets them as any prompt
    return plain ? generator.promptTokens(text) : tokenizer.encode(text);
  }

  /// The session if it has read a beginning of the tokens and holds them and the answer, else a new
  /// one.
  private LanguageModel.Session sessionFor(int... tokens) {
    int wanted =
        (int) Math.min(model.config().contextLength(), (long) tokens.length + settings.maxTokens());
    boolean continues =
        read.length < tokens.length && Arrays.equals(read, 0, read.length, tokens, 0, read.length);
    if (session != null && continues && capacity >= wanted) {
      return session;
    }
    close();
    capacity = (int) Math.min(model.config().contextLength(), (long) wanted + ROOM);
    session = model.begin(capacity);
    read = new int[0];
    return session;
  }

  /// The session has read the tokens and all of the answer but its last token.
  private void remember(int[] tokens, Completion answer) {
    int[] drawn = answer.tokens();
    int known = session == null ? 0 : session.length();
    read = Arrays.copyOf(tokens, known);
    System.arraycopy(drawn, 0, read, tokens.length, known - tokens.length);
  }

  @Override
  public void close() {
    if (session != null) {
      session.close();
      session = null;
    }
  }
}
