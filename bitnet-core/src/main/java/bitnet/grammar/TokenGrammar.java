package bitnet.grammar;

import bitnet.grammar.JsonSchemaGrammar.Place;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.function.Supplier;

/// The form of a text for a vocabulary: which tokens may follow at each place. Any number of texts
/// use it at once, in any threads.
public final class TokenGrammar {
  private final TokenBytes vocabulary;
  private final Supplier<ByteAutomaton> maker;
  private ByteAutomaton automaton;

  private TokenGrammar(TokenBytes vocabulary, Supplier<ByteAutomaton> maker) {
    this.vocabulary = vocabulary;
    this.maker = maker;
    this.automaton = maker.get();
  }

  /// Texts that are JSON objects.
  public static TokenGrammar jsonObject(TokenBytes vocabulary) {
    return jsonSchema(
        vocabulary, "", JsonNodeFactory.instance.objectNode().put("type", "object"), "");
  }

  /// Texts that are JSON values of a schema, between two given texts. Properties come in the order
  /// of the schema.
  ///
  /// The schema may have `type`, `properties`, `required`, `additionalProperties`, `items`,
  /// `minItems`, `maxItems`, `enum`, `const`, `anyOf`, `$ref` to its own `$defs`, and annotations.
  ///
  /// @param before the beginning of every text
  /// @param after its end
  /// @throws IllegalArgumentException if the schema has something else or no finite value, saying
  ///     where
  public static TokenGrammar jsonSchema(
      TokenBytes vocabulary, String before, JsonNode schema, String after) {
    return of(vocabulary, schema, new Place.Between(before, after));
  }

  /// Free texts in which every marker is followed by a JSON value of a schema and a given text.
  ///
  /// @param marker not empty
  /// @throws IllegalArgumentException as [#jsonSchema]
  public static TokenGrammar jsonAfterMarkers(
      TokenBytes vocabulary, String marker, JsonNode schema, String after) {
    return of(vocabulary, schema, new Place.AfterMarkers(marker, after));
  }

  /// JSON values of a schema, and free texts that do not begin with a brace or white space.
  ///
  /// @throws IllegalArgumentException as [#jsonSchema]
  public static TokenGrammar jsonOrText(TokenBytes vocabulary, JsonNode schema) {
    return of(vocabulary, schema, new Place.Instead());
  }

  private static TokenGrammar of(TokenBytes vocabulary, JsonNode schema, Place place) {
    return new TokenGrammar(
        vocabulary,
        () -> {
          JsonSchemaGrammar compiled = new JsonSchemaGrammar(schema, place);
          return new ByteAutomaton(compiled.grammar(), compiled.root());
        });
  }

  /// Checks that a schema has nothing that is not supported.
  ///
  /// @throws IllegalArgumentException as [#jsonSchema]
  public static void check(JsonNode schema) {
    JsonSchemaGrammar compiled = new JsonSchemaGrammar(schema, new Place.Between("", ""));
    new ByteAutomaton(compiled.grammar(), compiled.root());
  }

  /// Begins a text.
  public synchronized Progress begin() {
    if (automaton.isLarge()) {
      automaton = maker.get();
    }
    return new Progress(automaton);
  }

  /// How far a text has come. One thread at a time uses it.
  public final class Progress {
    private final ByteAutomaton states;
    private ByteAutomaton.State state;

    private Progress(ByteAutomaton states) {
      this.states = states;
      this.state = states.start();
    }

    /// The tokens that may follow; an end-of-text token where the text is complete.
    public TokenMask mask() {
      synchronized (states) {
        TokenMask mask = state.mask;
        if (mask == null) {
          mask = vocabulary.mask(states, state);
          state.mask = mask;
        }
        return mask;
      }
    }

    /// Adds a token, which must be one that may follow.
    public void take(int token) {
      synchronized (states) {
        for (byte each : vocabulary.text(token)) {
          state = states.next(state, Byte.toUnsignedInt(each));
        }
      }
    }

    /// Whether the text is complete and nothing may follow.
    public boolean isEnded() {
      return state.isComplete && state.isFinal;
    }
  }
}
