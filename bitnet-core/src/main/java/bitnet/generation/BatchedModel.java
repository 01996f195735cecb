package bitnet.generation;

import bitnet.checkpoint.ModelLocation;
import bitnet.checkpoint.ModelSource;
import bitnet.grammar.TokenBytes;
import bitnet.grammar.TokenGrammar;
import bitnet.model.LlamaConfig;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A model with its tokenizer whose requests are batched: a [BatchScheduler] with an engine thread
/// of its own. Any thread submits requests.
public final class BatchedModel implements ChatEngine, AutoCloseable {
  private final TernaryLlama llama;
  private final Tokenizer tokenizer;
  private final Generator generator;
  private final Optional<ChatTemplate> template;
  private final BatchScheduler scheduler;
  private final Thread engine;
  private final List<String> warnings;
  private final Set<Integer> endTokens;
  private @Nullable TokenBytes tokenBytes;

  private BatchedModel(
      ModelSource source, TernaryLlama llama, Tokenizer tokenizer, BatchSettings settings)
      throws IOException {
    this.llama = llama;
    this.tokenizer = tokenizer;
    this.generator = new Generator(new TernaryLanguageModel(llama), tokenizer, source.endTokens());
    this.template = source.chatTemplate();
    this.endTokens = Generator.endTokens(tokenizer, source.endTokens());
    this.scheduler = new BatchScheduler(llama, tokenizer, source.endTokens(), settings);
    Stream<String> ternary = source.madeTernary(llama.settings().fullPrecision()).stream();
    this.warnings = Stream.concat(tokenizer.warnings().stream(), ternary).toList();
    this.engine = Thread.ofPlatform().daemon().name("bitnet-engine").start(scheduler::run);
  }

  /// Opens a model of any form that [ModelSource] knows on the packed runtime.
  ///
  /// @throws IOException if it is missing, damaged, of an unsupported kind or has no tokenizer
  /// @throws IllegalArgumentException if the kernel cannot run here or the tokenizer has more
  ///     tokens than the model
  public static BatchedModel open(Path path, RuntimeSettings settings, BatchSettings batching)
      throws IOException {
    return open(ModelLocation.of(path), settings, batching);
  }

  /// Opens a model, with an adapter or without, on the packed runtime.
  ///
  /// @throws IOException as above
  /// @throws IllegalArgumentException as above
  public static BatchedModel open(
      ModelLocation location, RuntimeSettings settings, BatchSettings batching) throws IOException {
    try (ModelSource source = ModelSource.open(location)) {
      Tokenizer tokenizer = source.tokenizer();
      try {
        TernaryLlama llama =
            TernaryLlama.load(
                source.inference(settings.fullPrecision()), settings, source.adapter());
        try {
          return new BatchedModel(source, llama, tokenizer, batching);
        } catch (IOException | RuntimeException failure) {
          llama.close();
          throw failure;
        }
      } catch (IOException | RuntimeException failure) {
        tokenizer.close();
        throw failure;
      }
    }
  }

  /// The dimensions of the model.
  public LlamaConfig config() {
    return llama.config();
  }

  /// What computes it, for people.
  public String description() {
    return llama.description();
  }

  /// What a user should know of how the model was read, one line each; usually nothing.
  public List<String> warnings() {
    return warnings;
  }

  /// The model's tokenizer; closed with the model.
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /// How the model expects a conversation to be written, if it says so.
  public Optional<ChatTemplate> chatTemplate() {
    return template;
  }

  /// The tokens that end a text.
  public Set<Integer> endTokens() {
    return endTokens;
  }

  /// The tokens of a prompt, as [Generator#promptTokens].
  ///
  /// @throws IllegalArgumentException if there is no text and no token to start from
  public int[] promptTokens(String prompt) {
    return generator.promptTokens(prompt);
  }

  /// The tokens of a conversation up to where the assistant answers, as [Conversation] writes it.
  ///
  /// @param messages objects with a `role` and a `content`, and what else the template knows
  /// @param variables further ones that the template sees, for example `tools`
  /// @throws IllegalArgumentException if the template refuses the messages, with its reason, or
  ///     there is none and the conversation has variables
  public int[] promptTokens(JsonNode messages, Map<String, JsonNode> variables) {
    if (template.isPresent()) {
      return tokenizer.encode(template.get().render(messages, variables, true));
    }
    if (!variables.isEmpty()) {
      throw new IllegalArgumentException(
          "the model has no chat template, which would take " + variables.keySet());
    }
    String text = ChatTemplate.plain().render(messages, variables, true);
    return generator.promptTokens(text);
  }

  /// Settings for an answer in a conversation: with the stop strings of the plain form where the
  /// model has no template and the answer no grammar.
  public GenerationSettings chatSettings(GenerationSettings settings) {
    boolean isWhole = template.isPresent() || settings.grammar() != null;
    return isWhole ? settings : Conversation.withStops(settings);
  }

  /// The bytes of the vocabulary, for a [bitnet.grammar.TokenGrammar].
  ///
  /// @throws IllegalArgumentException if the tokenizer has no token for some character of ASCII
  public synchronized TokenBytes tokenBytes() {
    TokenBytes made = tokenBytes;
    if (made == null) {
      made = new TokenBytes(tokenizer, endTokens);
      tokenBytes = made;
    }
    return made;
  }

  /// Queues a request, as [BatchScheduler#submit(Object, BatchScheduler.Request,
  /// BatchScheduler.Listener)].
  ///
  /// @param owner of requests that wait for each other; those of different owners take turns
  /// @throws IllegalArgumentException if the prompt is empty, does not fit the model's context or
  ///     has tokens outside the vocabulary, or the logit bias is of one
  /// @throws IllegalStateException if the model is closed
  public BatchScheduler.Ticket submit(
      Object owner, BatchScheduler.Request request, BatchScheduler.Listener listener) {
    return scheduler.submit(owner, request, listener);
  }

  @Override
  public Reply answer(JsonNode messages, GenerationSettings settings, Listener listener) {
    int[] prompt = promptTokens(messages, Map.of());
    BatchScheduler.Ticket ticket =
        scheduler.submit(
            new BatchScheduler.Request(prompt, 1, 0, chatSettings(settings)),
            new BatchScheduler.Listener() {
              @Override
              public void text(int sample, String piece) {
                listener.text(piece);
              }

              @Override
              public void finished(int sample, Completion completion) {
                listener.finished(completion);
              }

              @Override
              public void failed(RuntimeException failure) {
                listener.failed(failure);
              }
            });
    return new Reply() {
      @Override
      public int promptTokens() {
        return prompt.length;
      }

      @Override
      public void cancel() {
        ticket.cancel();
      }
    };
  }

  @Override
  public GenerationSettings asJson(GenerationSettings settings, Optional<JsonNode> schema) {
    TokenBytes vocabulary = tokenBytes();
    return settings.withGrammar(
        schema
            .map(value -> TokenGrammar.jsonSchema(vocabulary, "", value, ""))
            .orElseGet(() -> TokenGrammar.jsonObject(vocabulary)));
  }

  /// Cancels what has not ended and frees the model's memory.
  @Override
  public void close() {
    scheduler.close();
    boolean interrupted = false;
    while (engine.isAlive()) {
      try {
        engine.join();
      } catch (InterruptedException interruption) {
        interrupted = true; // the engine's memory is not freed under its feet
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    llama.close();
    tokenizer.close();
  }
}
