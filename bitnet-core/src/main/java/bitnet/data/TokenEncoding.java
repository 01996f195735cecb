package bitnet.data;

import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.Tokenizer;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.function.Supplier;

/// What a dataset needs to know of a tokenizer.
///
/// @param encoder text to token ids, without special tokens added
/// @param endOfText the token that ends an example, where the vocabulary has one
/// @param vocabSize every id is below it
/// @param chatTemplate makes a text of conversations
/// @param digest gives [Tokenizer#digest]; "" if it is not known
public record TokenEncoding(
    Function<String, int[]> encoder,
    OptionalInt endOfText,
    int vocabSize,
    ChatTemplate chatTemplate,
    Supplier<String> digest) {

  /// The same without a digest.
  public TokenEncoding(
      Function<String, int[]> encoder,
      OptionalInt endOfText,
      int vocabSize,
      ChatTemplate chatTemplate) {
    this(encoder, endOfText, vocabSize, chatTemplate, () -> "");
  }

  /// The same with the plain template.
  public TokenEncoding(Function<String, int[]> encoder, OptionalInt endOfText, int vocabSize) {
    this(encoder, endOfText, vocabSize, ChatTemplate.plain());
  }

  /// What a dataset needs to know of a model's tokenizer.
  ///
  /// @param chatTemplate of the model, which uses the plain one if it has none
  /// @param vocabSize of the model
  public static TokenEncoding of(
      Tokenizer tokenizer, Optional<ChatTemplate> chatTemplate, int vocabSize) {
    return new TokenEncoding(
        tokenizer::encode,
        tokenizer.endOfText(),
        vocabSize,
        chatTemplate.orElseGet(ChatTemplate::plain),
        tokenizer::digest);
  }

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if the vocabulary is empty or its end token is outside it
  public TokenEncoding {
    if (vocabSize < 1) {
      throw new IllegalArgumentException(
          "vocab_size %d is too small; it must be at least 1".formatted(vocabSize));
    }
    if (endOfText.isPresent() && (endOfText.getAsInt() < 0 || endOfText.getAsInt() >= vocabSize)) {
      throw new IllegalArgumentException(
          "the end-of-text token %d is outside the vocabulary of %d; use the model's own tokenizer"
              .formatted(endOfText.getAsInt(), vocabSize));
    }
  }

  /// The tokens of a text.
  ///
  /// @throws IllegalArgumentException if the tokenizer gives an id outside the vocabulary
  int[] encode(String text) {
    int[] tokens = encoder.apply(text);
    for (int token : tokens) {
      if (token < 0 || token >= vocabSize) {
        throw new IllegalArgumentException(
            "the tokenizer gave token %d for a vocabulary of %d; use the model's own tokenizer"
                .formatted(token, vocabSize));
      }
    }
    return tokens;
  }
}
