package bitnet.eval;

import bitnet.checkpoint.ModelSource;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import bitnet.storage.ContentDigest;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/// A model that is evaluated: its weights on the packed runtime, its tokenizer, and which files
/// they came from. One thread uses it.
public final class EvaluatedModel implements AutoCloseable {
  private final String name;
  private final TernaryLlama llama;
  private final Tokenizer tokenizer;
  private final Set<Integer> endTokens;
  private final String identity;

  private EvaluatedModel(
      String name,
      TernaryLlama llama,
      Tokenizer tokenizer,
      Set<Integer> endTokens,
      String identity) {
    this.name = name;
    this.llama = llama;
    this.tokenizer = tokenizer;
    this.endTokens = Set.copyOf(endTokens);
    this.identity = identity;
  }

  /// Opens a model of any form that [ModelSource] knows.
  ///
  /// @param name for people
  /// @throws IOException if it is missing, damaged, of an unsupported kind or has no tokenizer
  /// @throws IllegalArgumentException if the kernel cannot run here or the tokenizer does not fit
  public static EvaluatedModel open(String name, Path path, RuntimeSettings settings)
      throws IOException {
    try (ModelSource source = ModelSource.open(path)) {
      Tokenizer tokenizer = source.tokenizer();
      try {
        int vocab = source.weights().config().vocabSize();
        if (tokenizer.vocabSize() > vocab) {
          throw new IllegalArgumentException(
              "%s: the tokenizer has %d tokens but the model %d; use the one that belongs to it"
                  .formatted(path, tokenizer.vocabSize(), vocab));
        }
        Set<Integer> ends = new TreeSet<>(source.endTokens());
        tokenizer.endOfText().ifPresent(ends::add);
        TernaryLlama llama = TernaryLlama.load(source.ternary(), settings);
        return new EvaluatedModel(name, llama, tokenizer, ends, identity(source.path(), settings));
      } catch (IOException | RuntimeException failure) {
        tokenizer.close();
        throw failure;
      }
    }
  }

  /// Differs between models and between the ways to compute one: the small files of its directory
  /// as they are (the manifest of a model of ours has the sums of the others), of large ones
  /// their sizes; a GGUF file as it is.
  private static String identity(Path path, RuntimeSettings settings) throws IOException {
    StringBuilder text = new StringBuilder();
    boolean isFile = Files.isRegularFile(path);
    for (Path file : isFile ? List.of(path) : files(path)) {
      text.append(file.getFileName()).append(' ').append(Files.size(file)).append('\n');
      if (isFile || file.toString().endsWith(".json")) {
        text.append(ContentDigest.of(file)).append('\n');
      }
    }
    text.append(settings.kernel()).append(settings.head()).append(settings.cache());
    return ContentDigest.of(text.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> found = Files.list(directory)) {
      return found.filter(Files::isRegularFile).sorted().toList();
    }
  }

  /// Its name, for people.
  public String name() {
    return name;
  }

  TernaryLlama llama() {
    return llama;
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  /// Tokens that end a text; empty for a vocabulary without any.
  Set<Integer> endTokens() {
    return endTokens;
  }

  int context() {
    return llama.config().contextLength();
  }

  String identity() {
    return identity;
  }

  @Override
  public void close() {
    llama.close();
    tokenizer.close();
  }
}
