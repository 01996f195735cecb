package bitnet.tokenizer;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import bitnet.storage.AtomicFile;
import bitnet.storage.ContentDigest;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Text to token ids and back, by a Hugging Face `tokenizer.json`.
///
/// Nothing is ever truncated, padded or downloaded. Safe for use by several threads until it is
/// closed.
public final class Tokenizer implements AutoCloseable {
  /// Characters: the native library needs some hundred bytes of memory for each.
  static final int LONGEST_TEXT = 16 << 20;

  static final String FILE = "tokenizer.json";
  static final String CONFIG = "tokenizer_config.json";
  private static final String BUNDLED = "default-tokenizer.json";

  private static final String DEFAULT = "default";
  private static final String BYTES = "bytes";

  /// Names of the tokenizers that come with the toolkit, for [#named].
  public static final Set<String> NAMES = Set.of(DEFAULT, BYTES);

  private final TokenizerFile file;
  private final SpecialTokens specialTokens;
  private final byte @Nullable [] config;
  private final byte @Nullable [] chatTemplate;
  private final HuggingFaceTokenizer nativeTokenizer;

  private Tokenizer(TokenizerFile file, SpecialTokens specialTokens) throws IOException {
    this(file, specialTokens, null, null);
  }

  private Tokenizer(
      TokenizerFile file,
      SpecialTokens specialTokens,
      byte @Nullable [] config,
      byte @Nullable [] chatTemplate)
      throws IOException {
    this.file = file;
    this.specialTokens = specialTokens;
    this.config = config;
    this.chatTemplate = chatTemplate;
    this.nativeTokenizer = open(file);
  }

  /// Loads a tokenizer.json, or the one in a directory. A `tokenizer_config.json` next to it says
  /// which tokens begin and end a text.
  ///
  /// @throws IOException if it is missing or damaged: the file, the reason, the remedy
  public static Tokenizer load(Path tokenizerJson) throws IOException {
    Path path = Files.isDirectory(tokenizerJson) ? tokenizerJson.resolve(FILE) : tokenizerJson;
    TokenizerFile file = TokenizerFile.of(TokenizerFile.read(path), path.toString());
    Path templatePath = path.resolveSibling(ChatTemplate.FILE);
    byte[] template = Files.exists(templatePath) ? TokenizerFile.read(templatePath) : null;
    Path configPath = path.resolveSibling(CONFIG);
    if (!Files.exists(configPath)) {
      return new Tokenizer(file, SpecialTokens.usual(file), null, template);
    }
    byte[] config = TokenizerFile.read(configPath);
    return new Tokenizer(
        file, SpecialTokens.configured(config, configPath.toString(), file), config, template);
  }

  /// A tokenizer of these files' contents.
  ///
  /// @param name for messages
  /// @throws IOException if they are damaged
  static Tokenizer of(byte[] tokenizerJson, byte[] config, String name) throws IOException {
    TokenizerFile file = TokenizerFile.of(tokenizerJson, name);
    return new Tokenizer(file, SpecialTokens.configured(config, name, file), config, null);
  }

  /// Opens a tokenizer that comes with the toolkit, or one of a file.
  ///
  /// @param name one of [#NAMES], a tokenizer.json, or a directory that contains one
  /// @throws IOException as [#load]
  public static Tokenizer named(String name) throws IOException {
    return switch (name) {
      case DEFAULT -> bundled();
      case BYTES -> byteLevel();
      default -> load(Path.of(name));
    };
  }

  /// The tokenizer that comes with this library: byte-level BPE of 4096 tokens, trained on
  /// Shakespeare (`data/README.md`).
  public static Tokenizer bundled() {
    try (InputStream resource =
        Objects.requireNonNull(Tokenizer.class.getResourceAsStream(BUNDLED), BUNDLED)) {
      TokenizerFile file = TokenizerFile.of(resource.readAllBytes(), "the bundled tokenizer");
      return new Tokenizer(file, SpecialTokens.usual(file));
    } catch (IOException noLibrary) {
      throw new UncheckedIOException(noLibrary);
    }
  }

  /// The vocabulary of 256 bytes: an id is the value of a UTF-8 byte; no special tokens.
  public static Tokenizer byteLevel() {
    List<String> tokens = new ArrayList<>();
    for (int value = 0; value < ByteAlphabet.SIZE; value++) {
      tokens.add(String.valueOf(ByteAlphabet.symbol(value)));
    }
    try {
      byte[] json = TokenizerJson.write(tokens, 0, List.of(), false);
      TokenizerFile file = TokenizerFile.of(json, "the byte-level tokenizer");
      return new Tokenizer(file, SpecialTokens.usual(file));
    } catch (IOException noLibrary) {
      throw new UncheckedIOException(noLibrary);
    }
  }

  private static HuggingFaceTokenizer open(TokenizerFile file) throws IOException {
    // else DJL would fetch another build on a machine with CUDA, and report its use
    if (System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
    try {
      return HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(file.bytes()),
          Map.of("truncation", "false", "padding", "false"));
    } catch (EngineException noLibrary) {
      throw new IOException(
          "the native tokenizer library does not load: %s; set DJL_CACHE_DIR (default ~/.djl.ai) to"
                  .formatted(noLibrary.getMessage())
              + " a directory that can be written",
          noLibrary);
    } catch (RuntimeException refused) {
      throw new IOException(
          "%s: not a usable tokenizer.json: %s; get the file again"
              .formatted(file.name(), refused.getMessage()),
          refused);
    }
  }

  /// The ids of a text, without the special tokens that a model expects around it. Special tokens
  /// spelled out in the text are found.
  ///
  /// @throws IllegalArgumentException if the vocabulary cannot express the text
  public int[] encode(String text) {
    return encode(text, false);
  }

  /// The ids of a text with the special tokens that the tokenizer puts around it, if any.
  ///
  /// @throws IllegalArgumentException if the vocabulary cannot express the text
  public int[] encodeWithSpecialTokens(String text) {
    return encode(text, true);
  }

  /// DJL's own `encode` copies token strings and offsets too, which takes twice the time (2.0 s
  /// against 1.0 s for 40,000 lines, 1.1 MB).
  private int[] encode(String text, boolean withSpecialTokens) {
    if (text.length() > LONGEST_TEXT) {
      throw new IllegalArgumentException(
          "a text of %d characters is longer than the %d that are tokenized at once; shorten it"
              .formatted(text.length(), LONGEST_TEXT));
    }
    TokenizersLibrary library = TokenizersLibrary.LIB;
    long encoding;
    try {
      encoding = library.encode(nativeTokenizer.getHandle(), text, withSpecialTokens);
    } catch (RuntimeException refused) {
      throw new IllegalArgumentException(
          "%s cannot encode a text: %s".formatted(file.name(), refused.getMessage()), refused);
    }
    try {
      long[] ids = library.getTokenIds(encoding);
      int[] narrow = new int[ids.length];
      for (int i = 0; i < ids.length; i++) {
        narrow[i] = Math.toIntExact(ids[i]);
      }
      return narrow;
    } finally {
      library.deleteEncoding(encoding);
    }
  }

  /// The text of ids. Special tokens are left out; bytes that are not UTF-8 appear as U+FFFD.
  ///
  /// @throws IllegalArgumentException if the vocabulary has no such id
  public String decode(int[] ids) {
    long[] wide = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      checkId(ids[i]);
      wide[i] = ids[i];
    }
    return nativeTokenizer.decode(wide, true);
  }

  /// A decoder for ids that come one at a time.
  public StreamDecoder streamDecoder() {
    return new StreamDecoder(this);
  }

  /// Warnings about how the tokenizer was read, one line each; usually none.
  public List<String> warnings() {
    return specialTokens.warnings();
  }

  /// The highest id and one.
  public int vocabSize() {
    return file.size();
  }

  /// The id of a token as the vocabulary spells it, for example `<s>`.
  public OptionalInt id(String token) {
    return file.id(token);
  }

  /// The id of the token that ends a text, if there is one.
  public OptionalInt endOfText() {
    return idOf(specialTokens.endOfText());
  }

  /// The id of the token that begins a text, if there is one.
  public OptionalInt beginOfText() {
    return idOf(specialTokens.beginOfText());
  }

  /// The token that ends a text as the vocabulary spells it, if there is one.
  public Optional<String> endOfTextSpelling() {
    return Optional.ofNullable(specialTokens.endOfText());
  }

  /// The token that begins a text as the vocabulary spells it, if there is one.
  public Optional<String> beginOfTextSpelling() {
    return Optional.ofNullable(specialTokens.beginOfText());
  }

  /// The template that makes one text of a conversation, if the tokenizer came with one.
  ///
  /// @throws IOException if it is damaged
  public Optional<ChatTemplate> chatTemplate() throws IOException {
    Optional<String> source = Optional.empty();
    if (chatTemplate != null) {
      source = Optional.of(ChatTemplate.text(chatTemplate, ChatTemplate.FILE));
    } else if (config != null) {
      source = ChatTemplate.source(TokenizerFile.parse(config, CONFIG), CONFIG);
    }
    return source.map(
        text -> new ChatTemplate(text, specialTokens.beginOfText(), specialTokens.endOfText()));
  }

  /// A short name of all that decides which ids a text has: of the tokenizer.json, whatever its
  /// white space and the order of its keys are, and of the token that ends a text.
  public String digest() {
    try {
      ObjectNode root = ((ObjectNode) TokenizerFile.parse(file.bytes(), name()));
      root.remove(List.of("truncation", "padding")); // of no effect here
      root.put("end_of_text", specialTokens.endOfText());
      return ContentDigest.of(
          TokenizerFile.JSON
              .writer()
              .with(JsonNodeFeature.WRITE_PROPERTIES_SORTED)
              .writeValueAsBytes(root));
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible); // it has been parsed before
    }
  }

  private OptionalInt idOf(@Nullable String token) {
    return token == null ? OptionalInt.empty() : file.id(token);
  }

  /// Writes tokenizer.json, byte for byte as it was loaded, tokenizer_config.json and, if there was
  /// one, chat_template.jinja into a directory, which is made if it does not exist.
  public void save(Path directory) throws IOException {
    AtomicFile.write(directory.resolve(FILE), file.bytes());
    AtomicFile.write(directory.resolve(CONFIG), config == null ? specialTokens.config() : config);
    if (chatTemplate != null) {
      AtomicFile.write(directory.resolve(ChatTemplate.FILE), chatTemplate);
    }
  }

  @Override
  public void close() {
    nativeTokenizer.close();
  }

  /// The tokenizer.json.
  byte[] json() {
    return file.bytes();
  }

  /// The tokenizer_config.json, if there was one.
  Optional<byte[]> config() {
    return Optional.ofNullable(config).map(byte[]::clone);
  }

  /// For messages: the path, or what it is.
  String name() {
    return file.name();
  }

  void checkId(int id) {
    if (id < 0 || id >= vocabSize()) {
      throw new IllegalArgumentException(
          "token id %d is outside the vocabulary of %d; is it another model's?"
              .formatted(id, vocabSize()));
    }
  }

  boolean isSpecial(int id) {
    return file.isSpecial(id);
  }

  /// The UTF-8 bytes that a token adds to a text, which need not be whole characters; none for an
  /// id without a token, and empty where the tokenizer knows text only.
  public Optional<byte[]> rawBytes(int id) {
    return file.rawBytes(id);
  }

  /// The UTF-8 bytes that a token adds within a text, where other tokens precede it; which need not
  /// be whole characters. None for a special token.
  ///
  /// @throws IllegalArgumentException if the vocabulary has no such id
  public byte[] bytesInText(int id) {
    checkId(id);
    if (isSpecial(id)) {
      return new byte[0];
    }
    return rawBytes(id)
        .orElseGet(
            () -> {
              String once = decode(new int[] {id});
              String twice = decode(new int[] {id, id});
              String added = twice.startsWith(once) ? twice.substring(once.length()) : once;
              return added.getBytes(StandardCharsets.UTF_8);
            });
  }
}
