package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.gguf.GgufFields;
import bitnet.format.gguf.GgufFile;
import bitnet.format.gguf.GgufMetadata;
import bitnet.tokenizer.AddedTokenRule;
import bitnet.tokenizer.TokenTable;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;

/// The tokenizer in the metadata of a GGUF file.
final class GgufVocabulary {
  private static final String PREFIX = "tokenizer.ggml.";
  private static final String MODEL = PREFIX + "model";
  private static final String PRE = PREFIX + "pre";
  private static final String TOKENS = PREFIX + "tokens";
  private static final String TYPES = PREFIX + "token_type";
  private static final String SCORES = PREFIX + "scores";
  private static final String MERGES = PREFIX + "merges";
  private static final String BEGIN = PREFIX + "bos_token_id";
  private static final String END = PREFIX + "eos_token_id";
  private static final String END_OF_TURN = PREFIX + "eot_token_id";
  private static final String PADDING = PREFIX + "padding_token_id";
  private static final String ADDS_BEGIN = PREFIX + "add_bos_token";
  private static final String ADDS_SPACE = PREFIX + "add_space_prefix";
  private static final String CHAT_TEMPLATE = "tokenizer.chat_template";
  private static final String COMPOSED = "bitnet.tokenizer.nfc"; // not in llama.cpp
  private static final String RULES = "bitnet.tokenizer.added_token_rules"; // not in llama.cpp
  private static final String BYTE_LEVEL = "gpt2";
  private static final String SENTENCE_PIECE = "llama";

  private GgufVocabulary() {}

  /// Adds a tokenizer to a file's metadata.
  static void write(GgufFields fields, TokenTable table) {
    boolean byteLevel = table.model() == TokenTable.Model.BYTE_LEVEL;
    fields.put(MODEL, byteLevel ? BYTE_LEVEL : SENTENCE_PIECE);
    fields.put(PRE, table.splitting());
    if (table.composed() != (byteLevel && TokenTable.usuallyComposed(table.splitting()))) {
      fields.put(COMPOSED, table.composed());
    }
    fields.putTexts(TOKENS, table.tokens());
    fields.putIntegers(
        TYPES, table.vocabulary().kinds().stream().map(TokenTable.Kind::number).toList());
    if (byteLevel) {
      fields.putTexts(MERGES, table.vocabulary().merges());
    } else {
      fields.putFloats(SCORES, table.vocabulary().scores());
      fields.put(ADDS_SPACE, table.addsSpace());
    }
    table.special().begin().ifPresent(id -> fields.put(BEGIN, id));
    table.special().end().ifPresent(id -> fields.put(END, id));
    table.special().padding().ifPresent(id -> fields.put(PADDING, id));
    fields.put(ADDS_BEGIN, table.special().addsBegin());
    table.chatTemplate().ifPresent(template -> fields.put(CHAT_TEMPLATE, template));
    if (!table.rules().isEmpty()) {
      List<Integer> bits = new ArrayList<>();
      for (int id = 0; id < table.tokens().size(); id++) {
        bits.add(table.rules().getOrDefault(id, AddedTokenRule.PLAIN).bits());
      }
      fields.putIntegers(RULES, bits);
    }
  }

  /// Whether a file has a tokenizer.
  static boolean isIn(GgufFile file) {
    return file.metadata().has(TOKENS);
  }

  /// The tokens that end a text.
  static List<Integer> endTokens(GgufFile file) throws CheckpointException {
    List<Integer> tokens = new ArrayList<>();
    for (String key : List.of(END, END_OF_TURN)) {
      token(file, key).ifPresent(tokens::add);
    }
    return tokens.stream().distinct().sorted().toList();
  }

  /// The token that begins a text.
  static OptionalInt beginToken(GgufFile file) throws CheckpointException {
    return token(file, BEGIN);
  }

  private static OptionalInt token(GgufFile file, String key) throws CheckpointException {
    GgufMetadata metadata = file.metadata();
    return metadata.has(key)
        ? metadata.token(key, (int) Math.min(metadata.count(TOKENS), Integer.MAX_VALUE))
        : OptionalInt.empty();
  }

  /// The tokenizer of a file.
  ///
  /// @throws CheckpointException if a key is missing, wrong or asks for something that is not
  ///     supported
  static Tokenizer read(GgufFile file) throws CheckpointException {
    try {
      return table(file).tokenizer("its tokenizer");
    } catch (CheckpointException fault) {
      throw fault;
    } catch (IOException | IllegalArgumentException unusable) {
      throw new CheckpointException(
          file.path(), CheckpointException.quote(String.valueOf(unusable.getMessage())), unusable);
    }
  }

  private static TokenTable table(GgufFile file) throws CheckpointException {
    GgufMetadata metadata = file.metadata();
    String model = metadata.text(MODEL);
    if (!model.equals(BYTE_LEVEL) && !model.equals(SENTENCE_PIECE)) {
      throw metadata.fault(
          MODEL,
          "is \"%s\"; supported are %s (byte-level BPE) and %s (SentencePiece BPE)"
              .formatted(CheckpointException.quote(model), BYTE_LEVEL, SENTENCE_PIECE));
    }
    boolean byteLevel = model.equals(BYTE_LEVEL);
    List<String> tokens = List.of(metadata.texts(TOKENS));
    String splitting = metadata.text(PRE, "default");
    return new TokenTable(
        byteLevel ? TokenTable.Model.BYTE_LEVEL : TokenTable.Model.SENTENCE_PIECE,
        splitting,
        byteLevel && metadata.flag(COMPOSED, TokenTable.usuallyComposed(splitting)),
        new TokenTable.Vocabulary(
            tokens,
            kinds(metadata, tokens.size()),
            byteLevel ? List.of() : scores(metadata),
            byteLevel ? List.of(metadata.texts(MERGES)) : List.of()),
        new TokenTable.SpecialIds(
            token(file, BEGIN),
            token(file, END),
            token(file, PADDING),
            // llama.cpp's default
            metadata.flag(ADDS_BEGIN, !byteLevel || splitting.equals("llama-bpe"))),
        !byteLevel && metadata.flag(ADDS_SPACE, true),
        metadata.has(CHAT_TEMPLATE) ? Optional.of(metadata.text(CHAT_TEMPLATE)) : Optional.empty(),
        rules(metadata, tokens.size()));
  }

  private static SortedMap<Integer, AddedTokenRule> rules(GgufMetadata metadata, int tokens)
      throws CheckpointException {
    SortedMap<Integer, AddedTokenRule> rules = new TreeMap<>();
    int[] bits = metadata.has(RULES) ? metadata.integers(RULES) : new int[0];
    for (int id = 0; id < Math.min(bits.length, tokens); id++) {
      AddedTokenRule rule = AddedTokenRule.of(bits[id]);
      if (!rule.equals(AddedTokenRule.PLAIN)) {
        rules.put(id, rule);
      }
    }
    return rules;
  }

  private static List<TokenTable.Kind> kinds(GgufMetadata metadata, int tokens)
      throws CheckpointException {
    TokenTable.Kind[] kinds = new TokenTable.Kind[tokens];
    Arrays.fill(kinds, TokenTable.Kind.NORMAL);
    if (metadata.has(TYPES)) {
      int[] numbers = metadata.integers(TYPES);
      kinds = new TokenTable.Kind[numbers.length];
      for (int id = 0; id < numbers.length; id++) {
        int number = numbers[id];
        kinds[id] =
            TokenTable.Kind.of(number)
                .orElseThrow(
                    () -> metadata.fault(TYPES, "holds %d; 1 to 6 are known".formatted(number)));
      }
    }
    return List.of(kinds);
  }

  private static List<Float> scores(GgufMetadata metadata) throws CheckpointException {
    List<Float> scores = new ArrayList<>();
    for (float score : metadata.floats(SCORES)) {
      if (Float.isNaN(score)) {
        throw metadata.fault(SCORES, "holds NaN; scores are numbers");
      }
      scores.add(score);
    }
    return scores;
  }
}
