package bitnet.runtime;

import bitnet.kernel.HugePageArena;
import bitnet.kernel.KernelSelector;
import bitnet.kernel.TernaryKernels;
import bitnet.kernel.ThreadTeam;
import bitnet.model.ActivationScale;
import bitnet.model.AdapterWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.LogSoftmax;
import bitnet.model.ProductWeights;
import bitnet.model.TensorSpec;
import bitnet.model.TernaryWeights;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A ternary LLaMA for inference: packed weights off the heap, 8-bit activations, a cache for
/// each sequence. Prompts and batches of sequences go through a layer in one matrix product
/// each; the numbers of a sequence do not depend on what is computed at the same time, nor on the
/// threads.
///
/// One thread uses it at a time; it brings its own for the products.
public final class TernaryLlama implements AutoCloseable {
  private static final int MAX_BATCH_TOKENS =
      128; // computed together: their activations stay in cache
  private static final int MAX_LOGIT_TOKENS = 16; // of a whole vocabulary each
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;

  private final Arena arena = new HugePageArena();
  private final LlamaConfig config;
  private final RuntimeSettings settings;
  private final ActivationScale activations;
  private final TernaryKernels kernels;
  private final ThreadTeam team;
  private final int rank; // of the adapter; 0 without
  private final List<RuntimeLayer> layers = new ArrayList<>();
  private final VocabularyMatrix embedding;
  private final VocabularyMatrix head;
  private final MemorySegment finalNorm;
  private Workspace workspace;
  private MemorySegment logits;
  private NativeRotaryTable rotary;

  private TernaryLlama(
      TernaryWeights weights,
      RuntimeSettings settings,
      Optional<AdapterWeights> adapter,
      ThreadTeam team)
      throws IOException {
    this.config = weights.config();
    this.settings = settings;
    this.activations = settings.activations(config);
    this.team = team;
    this.rank = adapter.map(each -> each.settings().rank()).orElse(0);
    this.kernels = KernelSelector.select(settings.kernel());
    RuntimeLayer.Loader loader = loader(weights, adapter.orElse(null));
    finalNorm = loader.norm("model.norm");
    boolean grouped = config.hasGroupScales() && !weights.isDense();
    boolean ternary = grouped && config.ternaryEmbeddings();
    if (config.tiedHead()) {
      embedding = vocabulary(ternary, PackedVocabulary.Role.BOTH);
      head = embedding;
    } else {
      embedding = vocabulary(ternary, PackedVocabulary.Role.EMBEDDING);
      head = vocabulary(grouped && config.ternaryHead(), PackedVocabulary.Role.HEAD);
    }
    loadVocabulary(weights, loader);
    weights.unload(); // a large part of the file, before the next is read
    for (int layer = 0; layer < config.layerCount(); layer++) {
      layers.add(loader.load(layer));
    }
    workspace = new Workspace(config, layers.getFirst(), 1);
    logits = arena.allocate((long) config.vocabSize() * Float.BYTES, 64);
    rotary = NativeRotaryTable.of(config, 1, arena);
  }

  /// Reads and packs a model's weights; they may be closed afterwards.
  ///
  /// @throws IOException if a weight is missing or damaged
  /// @throws IllegalArgumentException if the kernel is unknown or cannot run here
  public static TernaryLlama load(TernaryWeights weights, RuntimeSettings settings)
      throws IOException {
    return load(weights, settings, Optional.empty());
  }

  /// Reads and packs a model's weights, and an adapter that is computed next to them; both may be
  /// closed afterwards.
  ///
  /// @throws IOException if a weight is missing or damaged
  /// @throws IllegalArgumentException if the kernel is unknown or cannot run here
  public static TernaryLlama load(
      TernaryWeights weights, RuntimeSettings settings, Optional<AdapterWeights> adapter)
      throws IOException {
    ThreadTeam team = new ThreadTeam(settings.threads());
    try {
      return new TernaryLlama(products(weights, settings), settings, adapter, team);
    } catch (IOException | RuntimeException failure) {
      team.close();
      throw failure;
    }
  }

  /// Weights for activations that are not quantized.
  private static TernaryWeights products(TernaryWeights weights, RuntimeSettings settings) {
    boolean dense =
        weights.isDense() || settings.activations(weights.config()) != ActivationScale.FLOAT;
    return dense ? weights : new ProductWeights(weights);
  }

  /// Puts other weights of the same dimensions in place of these, as after a training step.
  /// Caches keep what the old weights computed.
  ///
  /// @throws IOException if a weight is missing or damaged
  /// @throws IllegalArgumentException if the dimensions differ
  public void reload(TernaryWeights weights) throws IOException {
    if (!weights.config().equals(config)) {
      throw new IllegalArgumentException(
          "the weights are of %s, but the model is %s".formatted(weights.config(), config));
    }
    RuntimeLayer.Loader loader = loader(products(weights, settings), null);
    for (int layer = 0; layer < config.layerCount(); layer++) {
      loader.reload(layer, layers.get(layer));
    }
    loader.readNorm("model.norm", finalNorm);
    loadVocabulary(weights, loader);
  }

  /// Puts another adapter in place of the one that the model was loaded with, as after a training
  /// step.
  ///
  /// @param weights those that the model was loaded with
  /// @param adapter with the settings of the former one
  /// @throws IOException if a weight is missing or damaged
  public void reload(TernaryWeights weights, AdapterWeights adapter) throws IOException {
    RuntimeLayer.Loader loader = loader(weights, adapter);
    for (int layer = 0; layer < config.layerCount(); layer++) {
      loader.reloadAdapter(layer, layers.get(layer));
    }
    loader.readNorm("model.norm", finalNorm);
  }

  private RuntimeLayer.Loader loader(TernaryWeights weights, @Nullable AdapterWeights adapter) {
    Map<String, TensorSpec> specs =
        config.tensors().stream().collect(Collectors.toMap(TensorSpec::name, spec -> spec));
    return new RuntimeLayer.Loader(weights, specs, kernels, arena, team, adapter);
  }

  private VocabularyMatrix vocabulary(boolean ternary, PackedVocabulary.Role role) {
    boolean exact = activations == ActivationScale.FLOAT && settings.head() == LmHeadType.AUTO;
    LmHeadType type = exact ? LmHeadType.FP32 : settings.head().resolved(ternary);
    return type == LmHeadType.PACKED
        ? new PackedVocabulary(config.vocabSize(), role, arena)
        : new DenseVocabulary(type, config.vocabSize(), config.hiddenSize(), arena);
  }

  private void loadVocabulary(TernaryWeights weights, RuntimeLayer.Loader loader)
      throws IOException {
    embedding.load(weights, loader.spec("model.embed_tokens"), kernels, team);
    if (!config.tiedHead()) {
      head.load(weights, loader.spec("lm_head"), kernels, team);
    }
  }

  /// The dimensions of the model.
  public LlamaConfig config() {
    return config;
  }

  /// How it computes.
  public RuntimeSettings settings() {
    return settings;
  }

  /// What multiplies.
  TernaryKernels kernels() {
    return kernels;
  }

  /// The threads of the model, for other work between passes.
  public ThreadTeam team() {
    return team;
  }

  /// What computes, for people: for example `native avx2, 2 threads, int8 head, fp16 cache`.
  public String description() {
    return "%s, %d threads, %s head, %s cache%s"
        .formatted(
            kernels.name(),
            settings.threads(),
            head.type().label(),
            settings.cache().name().toLowerCase(Locale.ROOT),
            rank == 0 ? "" : ", adapter of rank " + rank);
  }

  /// Memory of the packed weights, in bytes.
  public long weightBytes() {
    long bytes = embedding.bytes() + (config.tiedHead() ? 0 : head.bytes());
    return bytes + layers.stream().mapToLong(TernaryLlama::ternaryBytes).sum();
  }

  /// Bytes that are read for every token: all layers and the head, not the embedding.
  public long bytesPerToken() {
    return head.bytes() + layers.stream().mapToLong(TernaryLlama::ternaryBytes).sum();
  }

  private static long ternaryBytes(RuntimeLayer layer) {
    return layer.linears().stream().mapToLong(RuntimeLinear::bytes).sum();
  }

  /// An empty sequence.
  ///
  /// @param capacity the most tokens that it will hold
  /// @throws IllegalArgumentException if the capacity is not from 1 to the context length
  public KvCache newCache(int capacity) {
    KvCache cache = new KvCache(config, settings.cache(), capacity);
    if (rotary.positions() < capacity) {
      int room = Math.min(config.contextLength(), Math.max(capacity, 2 * rotary.positions()));
      rotary = NativeRotaryTable.of(config, room, arena);
    }
    return cache;
  }

  /// Appends tokens to sequences.
  ///
  /// @param caches the sequences, each once
  /// @param tokens at least one for each sequence
  /// @return for each sequence the logits `[vocab]` of the token that follows its last one
  /// @throws IllegalArgumentException if there is no token, one is outside the vocabulary, or
  ///     they exceed a capacity; all sequences are then as before
  public float[][] advance(List<KvCache> caches, List<int[]> tokens) {
    float[][] last = new float[caches.size()][];
    int[] sequenceOfIndex = new int[tokens.stream().mapToInt(some -> some.length).sum()];
    Arrays.fill(sequenceOfIndex, -1);
    int end = 0;
    for (int i = 0; i < caches.size(); i++) {
      end += tokens.get(i).length;
      if (end > 0) {
        sequenceOfIndex[end - 1] = i;
      }
    }
    run(
        caches,
        tokens,
        index -> sequenceOfIndex[index] >= 0,
        (index, scores) -> last[sequenceOfIndex[index]] = scores.toArray(FLOAT));
    return last;
  }

  /// Appends tokens to sequences and says how probable given tokens were to follow each.
  ///
  /// @param caches the sequences, each once
  /// @param tokens at least one for each sequence
  /// @param targets for each token the one that follows it, or -1 where that does not matter
  /// @return the natural logarithm of the target's probability after each token; 0 where there is
  ///     no target
  /// @throws IllegalArgumentException as [#advance]
  public double[][] score(List<KvCache> caches, List<int[]> tokens, List<int[]> targets) {
    int count = tokens.stream().mapToInt(some -> some.length).sum();
    int[] target = targets.stream().flatMapToInt(Arrays::stream).toArray();
    if (target.length != count) {
      throw new IllegalArgumentException(
          "there are %d targets for %d tokens; give one for each".formatted(target.length, count));
    }
    double[] flat = new double[count];
    run(
        caches,
        tokens,
        index -> target[index] >= 0,
        (index, scores) -> flat[index] = LogSoftmax.at(scores.toArray(FLOAT), target[index]));
    double[][] result = new double[tokens.size()][];
    int first = 0;
    for (int i = 0; i < result.length; i++) {
      result[i] = Arrays.copyOfRange(flat, first, first + tokens.get(i).length);
      first += tokens.get(i).length;
    }
    return result;
  }

  /// Receives the logits after tokens.
  @FunctionalInterface
  public interface LogitVisitor {
    /// Several threads call, in no particular order.
    ///
    /// @param index of the token among all that are appended
    /// @param logits `[vocab]` of the token that follows it
    void visit(int index, float[] logits);
  }

  /// Appends tokens to sequences and hands out the logits after some of them.
  ///
  /// @param caches the sequences, each once
  /// @param tokens at least one for each sequence
  /// @param wanted after which tokens logits are computed; they are numbered from 0, those of the
  ///     first sequence first, as for the visitor
  /// @throws IllegalArgumentException as [#advance]
  public void visitLogits(
      List<KvCache> caches, List<int[]> tokens, IntPredicate wanted, LogitVisitor visitor) {
    run(caches, tokens, wanted, (index, scores) -> visitor.visit(index, scores.toArray(FLOAT)));
  }

  /// Appends tokens to sequences and returns their final hidden states: after the last norm, what
  /// the output head multiplies.
  ///
  /// @param caches the sequences, each once
  /// @param tokens at least one for each sequence
  /// @return `[tokens, hidden]`, those of the first sequence first
  /// @throws IllegalArgumentException as [#advance]
  public float[] hidden(List<KvCache> caches, List<int[]> tokens) {
    check(caches, tokens);
    int width = config.hiddenSize();
    float[] states = new float[tokens.stream().mapToInt(some -> some.length).sum() * width];
    try (Arena scope = Arena.ofShared()) {
      MemorySegment out = scope.allocate((long) MAX_BATCH_TOKENS * width * Float.BYTES, 64);
      run(
          caches,
          tokens,
          (pass, first, count) -> {
            int[] all = IntStream.range(0, count).toArray();
            pass.hidden(finalNorm, all, out);
            MemorySegment.copy(out, FLOAT, 0, states, first * width, count * width);
          });
    }
    return states;
  }

  /// What is computed from the last layer's output for tokens that went through all layers.
  private interface Emission {
    /// @param first number of the pass's first token among all
    void emit(DecoderPass pass, int first, int count);
  }

  private interface LogitConsumer {
    /// @param scores `[vocab]` floats, valid during the call; several threads call
    void accept(int index, MemorySegment scores);
  }

  private void run(
      List<KvCache> caches, List<int[]> tokens, IntPredicate wanted, LogitConsumer consumer) {
    check(caches, tokens);
    run(caches, tokens, (pass, first, count) -> emit(pass, first, count, wanted, consumer));
  }

  private void run(List<KvCache> caches, List<int[]> tokens, Emission emission) {
    caches.forEach(KvCache::prepare);
    DecoderBatch all = DecoderBatch.of(caches, tokens);
    for (int first = 0; first < all.count(); first += MAX_BATCH_TOKENS) {
      int end = Math.min(all.count(), first + MAX_BATCH_TOKENS);
      DecoderBatch batch = all.range(first, end);
      DecoderPass pass =
          new DecoderPass(
              config, kernels, team, rotary, workspace(batch.count()), batch, activations);
      pass.embed(embedding);
      for (int layer = 0; layer < layers.size(); layer++) {
        pass.layer(layer, layers.get(layer));
      }
      emission.emit(pass, first, batch.count());
    }
    for (int i = 0; i < caches.size(); i++) {
      caches.get(i).append(tokens.get(i).length);
    }
  }

  /// Computes the logits that are wanted, a few tokens at a time.
  private void emit(
      DecoderPass pass, int first, int count, IntPredicate wanted, LogitConsumer consumer) {
    int[] selected = new int[count];
    int some = 0;
    for (int index = 0; index < count; index++) {
      if (wanted.test(first + index)) {
        selected[some++] = index;
      }
    }
    long tokenBytes = (long) config.vocabSize() * Float.BYTES;
    for (int from = 0; from < some; from += MAX_LOGIT_TOKENS) {
      int[] chunk = Arrays.copyOfRange(selected, from, Math.min(some, from + MAX_LOGIT_TOKENS));
      MemorySegment out = logitBuffer(chunk.length);
      pass.logits(finalNorm, head, chunk, out);
      team.forRanges(
          chunk.length,
          1,
          (low, high) -> {
            for (int i = low; i < high; i++) {
              consumer.accept(first + chunk[i], out.asSlice(i * tokenBytes, tokenBytes));
            }
          });
    }
  }

  private MemorySegment logitBuffer(int tokens) {
    long bytes = (long) tokens * config.vocabSize() * Float.BYTES;
    if (logits.byteSize() < bytes) {
      logits = arena.allocate((long) MAX_LOGIT_TOKENS * config.vocabSize() * Float.BYTES, 64);
    }
    return logits;
  }

  private Workspace workspace(int tokens) {
    if (workspace.capacity() < tokens) {
      workspace.close();
      workspace = new Workspace(config, layers.getFirst(), Math.min(MAX_BATCH_TOKENS, 2 * tokens));
    }
    return workspace;
  }

  private void check(List<KvCache> caches, List<int[]> tokens) {
    if (caches.size() != tokens.size()) {
      throw new IllegalArgumentException(
          "there are tokens for %d sequences, but %d sequences"
              .formatted(tokens.size(), caches.size()));
    }
    Set<KvCache> seen = new HashSet<>();
    for (int i = 0; i < caches.size(); i++) {
      KvCache cache = caches.get(i);
      if (!seen.add(cache)) {
        throw new IllegalArgumentException("sequence %d is given twice".formatted(i));
      }
      if (tokens.get(i).length == 0) {
        throw new IllegalArgumentException("no tokens; give at least one");
      }
      if (tokens.get(i).length > cache.capacity() - cache.length()) {
        throw new IllegalArgumentException(
            "%d tokens do not fit a sequence of %d; begin one with a larger capacity"
                .formatted(cache.length() + tokens.get(i).length, cache.capacity()));
      }
      for (int token : tokens.get(i)) {
        if (token < 0 || token >= config.vocabSize()) {
          throw new IllegalArgumentException(
              "token id %d is outside the vocabulary; use 0 to %d"
                  .formatted(token, config.vocabSize() - 1));
        }
      }
    }
  }

  @Override
  public void close() {
    team.close();
    workspace.close();
    arena.close();
  }
}
