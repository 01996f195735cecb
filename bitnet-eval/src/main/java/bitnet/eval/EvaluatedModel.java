package bitnet.eval;

import bitnet.checkpoint.ModelLocation;
import bitnet.checkpoint.ModelSource;
import bitnet.runtime.LmHeadType;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import bitnet.storage.ContentDigest;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.OptionValues;
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
  private final Identity identity;

  private EvaluatedModel(
      String name,
      TernaryLlama llama,
      Tokenizer tokenizer,
      Set<Integer> endTokens,
      Identity identity) {
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
    return open(name, ModelLocation.of(path), settings);
  }

  /// Opens a model, with an adapter or without.
  ///
  /// @param name for people
  /// @throws IOException as above
  /// @throws IllegalArgumentException as above
  public static EvaluatedModel open(String name, ModelLocation location, RuntimeSettings settings)
      throws IOException {
    try (ModelSource source = ModelSource.open(location)) {
      Tokenizer tokenizer = source.tokenizer();
      try {
        int vocab = source.weights().config().vocabSize();
        if (tokenizer.vocabSize() > vocab) {
          throw new IllegalArgumentException(
              "%s: the tokenizer has %d tokens but the model %d; use the one that belongs to it"
                  .formatted(location.model(), tokenizer.vocabSize(), vocab));
        }
        Set<Integer> ends = new TreeSet<>(source.endTokens());
        tokenizer.endOfText().ifPresent(ends::add);
        TernaryLlama llama =
            TernaryLlama.load(
                source.inference(settings.fullPrecision()), settings, source.adapter());
        Identity identity =
            source.adapterPath().isEmpty()
                ? Identity.of(source.path(), settings)
                : Identity.of(source.path(), settings).with(source.adapterPath().get());
        return new EvaluatedModel(name, llama, tokenizer, ends, identity);
      } catch (IOException | RuntimeException failure) {
        tokenizer.close();
        throw failure;
      }
    }
  }

  /// Differs between models and between the ways to compute one.
  ///
  /// @param options the digest of all files, of which the manifest of a model of ours has the sums
  ///     of the large ones, and the settings
  /// @param former digests of files and settings as in samples of version 0.1.0, where large files
  ///     of others count by their sizes
  record Identity(OptionValues options, List<String> former) {

    private static final String NO_ADAPTER = "none";

    private static Identity of(Path path, RuntimeSettings settings) throws IOException {
      boolean isFile = Files.isRegularFile(path);
      boolean sealed = Files.exists(path.resolve("manifest.json"));
      StringBuilder content = new StringBuilder();
      StringBuilder former = new StringBuilder();
      for (Path file : isFile ? List.of(path) : files(path)) {
        String name = "%s %d\n".formatted(file.getFileName(), Files.size(file));
        boolean small = isFile || file.toString().endsWith(".json");
        String sum = small || !sealed ? ContentDigest.of(file) + "\n" : "";
        content.append(name).append(sum);
        former.append(name).append(small ? sum : "");
      }
      LmHeadType head = settings.head() == LmHeadType.AUTO ? LmHeadType.INT8 : settings.head();
      OptionValues options =
          new OptionValues()
              .putContent("model", digest(content.toString()))
              .put("kernel", settings.kernel())
              .put("lm_head", settings.head())
              .put("kv_cache", settings.cache())
              .put("activations", settings.activations().map(Object::toString).orElse("auto"))
              .put("full_precision", settings.fullPrecision())
              .put("adapter", NO_ADAPTER, NO_ADAPTER);
      String known = "%s%s%s".formatted(settings.kernel(), head, settings.cache());
      boolean could = settings.activations().isEmpty() && !settings.fullPrecision();
      return new Identity(
          options, could ? List.of(digest(content + known), digest(former + known)) : List.of());
    }

    /// The model with an adapter, which samples of version 0.1.0 had none of.
    private Identity with(Path adapter) throws IOException {
      StringBuilder content = new StringBuilder();
      for (Path file : files(adapter)) {
        content.append(ContentDigest.of(file)).append('\n');
      }
      return new Identity(
          options.put("adapter", digest(content.toString()), NO_ADAPTER), List.of());
    }

    private static String digest(String text) {
      return ContentDigest.of(text.getBytes(StandardCharsets.UTF_8));
    }
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

  Identity identity() {
    return identity;
  }

  @Override
  public void close() {
    llama.close();
    tokenizer.close();
  }
}
