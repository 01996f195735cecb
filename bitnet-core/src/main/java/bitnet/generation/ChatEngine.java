package bitnet.generation;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

/// A model that answers conversations of any number of callers at once: what adapters to other
/// frameworks are written for. [BatchedModel] is one; tests of an adapter script another.
public interface ChatEngine {

  /// Begins an answer.
  ///
  /// @param messages objects with a `role` and a `content`
  /// @param listener hears of the answer on a thread of the engine, which it must not keep waiting
  /// @throws IllegalArgumentException if the messages or settings cannot be honoured, with the
  ///     reason
  Reply answer(JsonNode messages, GenerationSettings settings, Listener listener);

  /// Settings for an answer that is JSON.
  ///
  /// @param schema of the value; an object of any kind if there is none
  /// @throws IllegalArgumentException if the schema has what is not supported, saying where
  GenerationSettings asJson(GenerationSettings settings, Optional<JsonNode> schema);

  /// An answer that has begun.
  interface Reply {
    /// Tokens of the conversation up to it.
    int promptTokens();

    /// Ends it before its next token.
    void cancel();
  }

  /// Hears of an answer.
  interface Listener {
    /// A piece of whole characters.
    void text(String piece);

    /// The answer has ended; [FinishReason#INTERRUPTED] if it was cancelled.
    void finished(Completion completion);

    /// The model failed.
    void failed(RuntimeException failure);
  }
}
