package bitnet.tokenizer;

import bitnet.storage.PrintableText;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;

/// A tokenizer as lists by token id, the form in which GGUF files hold it.
///
/// @param model how a text becomes tokens
/// @param splitting llama.cpp's name for the cuts before merging; byte-level only
/// @param composed whether a text is normalized to NFC first; byte-level only
/// @param vocabulary the tokens by id, and how they are merged
/// @param special the ids of tokens with a meaning
/// @param addsSpace whether a text gets a space in front; SentencePiece only
/// @param chatTemplate Jinja, as in a tokenizer_config.json
/// @param rules how added tokens are matched, by id; only those with a rule other than
///     [AddedTokenRule#PLAIN]
public record TokenTable(
    Model model,
    String splitting,
    boolean composed,
    Vocabulary vocabulary,
    SpecialIds special,
    boolean addsSpace,
    Optional<String> chatTemplate,
    SortedMap<Integer, AddedTokenRule> rules) {
  private static final int MOST_NAMED = 8;

  /// How a text becomes tokens.
  public enum Model {
    /// BPE over the 256 bytes in GPT-2's spelling, with merges.
    BYTE_LEVEL,
    /// SentencePiece BPE over characters, with scores, and bytes for unknown characters.
    SENTENCE_PIECE
  }

  /// What a token is.
  public enum Kind {
    /// Text.
    NORMAL(1),
    /// Stands for what the vocabulary lacks.
    UNKNOWN(2),
    /// Never part of a text, for example the end.
    CONTROL(3),
    /// Text that is found before anything is merged.
    USER_DEFINED(4),
    /// An id without meaning.
    UNUSED(5),
    /// One byte, spelled `<0x0A>`.
    BYTE(6);

    private final int number;

    Kind(int number) {
      this.number = number;
    }

    /// The number in a GGUF file.
    public int number() {
      return number;
    }

    /// The kind of that number, if there is one.
    public static Optional<Kind> of(int number) {
      return Arrays.stream(values()).filter(kind -> kind.number == number).findFirst();
    }
  }

  /// The tokens by id, and how they are merged.
  ///
  /// @param tokens by id, as the vocabulary spells them
  /// @param kinds by id
  /// @param scores by id; empty for byte-level
  /// @param merges "left right", the earliest first; empty where scores stand for them
  public record Vocabulary(
      List<String> tokens, List<Kind> kinds, List<Float> scores, List<String> merges) {
    /// Copies and checks the lists.
    ///
    /// @throws IllegalArgumentException if they differ in length
    public Vocabulary {
      tokens = List.copyOf(tokens);
      kinds = List.copyOf(kinds);
      scores = List.copyOf(scores);
      merges = List.copyOf(merges);
      requireLength("token types", kinds.size(), tokens.size());
    }

    /// The same with unused tokens appended.
    private Vocabulary padded(int missing, boolean hasScores) {
      List<String> more = new ArrayList<>(tokens);
      while (more.size() < tokens.size() + missing) {
        more.add(unused(more.size()));
      }
      List<Kind> moreKinds = new ArrayList<>(kinds);
      moreKinds.addAll(Collections.nCopies(missing, Kind.UNUSED));
      List<Float> moreScores = new ArrayList<>(scores);
      if (hasScores) {
        moreScores.addAll(Collections.nCopies(missing, 0f));
      }
      return new Vocabulary(more, moreKinds, moreScores, merges);
    }
  }

  /// The ids of tokens with a meaning.
  ///
  /// @param begin the token that begins a text
  /// @param end the token that ends a text
  /// @param padding the token that fills up a batch
  /// @param addsBegin whether a text is to begin with that token
  public record SpecialIds(
      OptionalInt begin, OptionalInt end, OptionalInt padding, boolean addsBegin) {
    /// No such tokens.
    public static final SpecialIds NONE =
        new SpecialIds(OptionalInt.empty(), OptionalInt.empty(), OptionalInt.empty(), false);
  }

  /// Copies and checks the lists.
  ///
  /// @throws IllegalArgumentException if they differ in length
  public TokenTable {
    rules = Collections.unmodifiableSortedMap(new TreeMap<>(rules));
    requireLength(
        "scores",
        vocabulary.scores().size(),
        model == Model.SENTENCE_PIECE ? vocabulary.tokens().size() : 0);
  }

  /// The tokens by id, as the vocabulary spells them.
  public List<String> tokens() {
    return vocabulary.tokens();
  }

  private static void requireLength(String what, int found, int expected) {
    if (found != expected) {
      throw new IllegalArgumentException(
          "%d %s do not fit; there must be %d".formatted(found, what, expected));
    }
  }

  /// The lists of a tokenizer.
  ///
  /// @throws IllegalArgumentException if it is of a kind that has no such lists, saying which
  ///     have
  public static TokenTable of(Tokenizer tokenizer) {
    return TokenTableReader.read(tokenizer);
  }

  /// The name of an unused id.
  static String unused(int id) {
    return "[PAD%d]".formatted(id);
  }

  /// The same with unused tokens appended, for a model with more ids than the tokenizer has tokens.
  ///
  /// @throws IllegalArgumentException if there are more tokens than that
  public TokenTable padded(int vocabSize) {
    int missing = vocabSize - tokens().size();
    if (missing < 0) {
      throw new IllegalArgumentException(
          "the tokenizer has %d tokens but the model only %d"
              .formatted(tokens().size(), vocabSize));
    }
    return new TokenTable(
        model,
        splitting,
        composed,
        vocabulary.padded(missing, model == Model.SENTENCE_PIECE),
        special,
        addsSpace,
        chatTemplate,
        rules);
  }

  /// How llama.cpp tokenizes differently from this tokenizer, one sentence each.
  public List<String> lostInGguf() {
    List<String> lost = new ArrayList<>();
    if (composed) {
      lost.add(
          "llama.cpp does not normalize texts to NFC as this tokenizer does, so its tokens of"
              + " decomposed characters differ");
    }
    if (!rules.isEmpty()) {
      lost.add(lostRules());
    }
    return lost;
  }

  private String lostRules() {
    List<String> some =
        rules.entrySet().stream()
            .limit(MOST_NAMED)
            .map(
                rule ->
                    "%s (%s)"
                        .formatted(
                            PrintableText.escape(tokens().get(rule.getKey())), rule.getValue()))
            .toList();
    return "%d added tokens have matching rules that only this toolkit reads from a GGUF file; llama.cpp"
            .formatted(rules.size())
        + " matches them as plain text, so its tokens of texts with them can differ: "
        + String.join(", ", some)
        + (rules.size() > MOST_NAMED ? ", ..." : "");
  }

  /// Whether the tokenizers with these cuts normalize a text to NFC, where a file does not say.
  public static boolean usuallyComposed(String splitting) {
    return WordSplitting.of(splitting).filter(WordSplitting::isQwen).isPresent();
  }

  /// The tokenizer of these lists, by way of a Hugging Face tokenizer.json.
  ///
  /// @param name for messages
  /// @throws IOException if the lists contradict themselves or ask for something that is not
  ///     supported
  public Tokenizer tokenizer(String name) throws IOException {
    try {
      TokenTableWriter writer = new TokenTableWriter(this);
      return Tokenizer.of(writer.tokenizerJson(), writer.config(), name);
    } catch (IllegalArgumentException unusable) {
      throw new IOException("%s: %s".formatted(name, unusable.getMessage()), unusable);
    }
  }
}
