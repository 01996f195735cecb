package bitnet.grpo;

import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernarizedWeights;
import bitnet.runtime.KvCache;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import bitnet.training.PromptCompletion;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The policy that the trained one is kept near: frozen, its linear layers packed to two bits a
/// weight.
public final class ReferencePolicy implements AutoCloseable {

  /// Tokens that are scored together: enough to fill the kernels' tiles.
  private static final int ROWS = 2048;

  private final Arena arena = Arena.ofShared();
  private final TernaryLlama llama;
  private final boolean replaceable;
  private final Map<TensorSpec, MemorySegment> latents = new LinkedHashMap<>();

  /// A copy of a policy's weights.
  ///
  /// @param replaceable whether [#replace] will be called; it then keeps the weights themselves
  ///     too, for checkpoints
  /// @throws IOException if a weight cannot be read
  public ReferencePolicy(LatentWeights weights, RuntimeSettings settings, boolean replaceable)
      throws IOException {
    this.llama = TernaryLlama.load(new TernarizedWeights(weights), settings);
    this.replaceable = replaceable;
    if (replaceable) {
      for (TensorSpec tensor : weights.config().tensors()) {
        latents.put(tensor, arena.allocate(tensor.count() * Float.BYTES, 64));
      }
      copy(weights);
    }
  }

  private void copy(LatentWeights weights) throws IOException {
    for (Map.Entry<TensorSpec, MemorySegment> tensor : latents.entrySet()) {
      weights.read(tensor.getKey(), tensor.getValue());
    }
  }

  /// Becomes another policy.
  ///
  /// @throws IllegalStateException if it is not replaceable
  /// @throws IOException if a weight cannot be read
  public void replace(LatentWeights weights) throws IOException {
    if (!replaceable) {
      throw new IllegalStateException("this reference stays");
    }
    copy(weights);
    llama.reload(new TernarizedWeights(weights));
  }

  /// The weights by name, where they can be replaced; else nothing.
  Map<String, MemorySegment> tensors() {
    Map<String, MemorySegment> named = new LinkedHashMap<>();
    latents.forEach((tensor, values) -> named.put("reference/" + tensor.name(), values));
    return named;
  }

  /// Takes over weights that were written into the memory of [#tensors].
  void reload() throws IOException {
    llama.reload(new TernarizedWeights(new Latents(llama.config(), latents)));
  }

  private record Latents(LlamaConfig config, Map<TensorSpec, MemorySegment> values)
      implements LatentWeights {
    @Override
    public void read(TensorSpec tensor, MemorySegment target) throws IOException {
      MemorySegment source = values.get(tensor);
      if (source == null) {
        throw new IOException("the reference policy has no tensor " + tensor.name());
      }
      target.copyFrom(source);
    }
  }

  /// How probable each completion token is.
  ///
  /// @return natural logarithms, `[text][token]`
  double[][] logProbabilities(List<? extends PromptCompletion> texts) {
    double[][] result = new double[texts.size()][];
    for (int first = 0; first < texts.size(); ) {
      int end = first;
      int rows = 0;
      while (end < texts.size() && (end == first || rows + texts.get(end).inputs() <= ROWS)) {
        rows += texts.get(end++).inputs();
      }
      try (Batch batch = new Batch()) {
        double[][] scores = batch.score(texts.subList(first, end));
        System.arraycopy(scores, 0, result, first, scores.length);
      }
      first = end;
    }
    return result;
  }

  /// Texts that are scored together. Those that follow each other with one prompt share its cache.
  private final class Batch implements AutoCloseable {
    private final List<KvCache> caches = new ArrayList<>();

    double[][] score(List<? extends PromptCompletion> texts) {
      List<KvCache> forks = fork(texts);
      List<int[]> inputs = new ArrayList<>();
      List<int[]> targets = new ArrayList<>();
      for (PromptCompletion text : texts) {
        int[] completion = text.completion();
        int[] read = new int[completion.length];
        read[0] = text.prompt()[text.prompt().length - 1];
        System.arraycopy(completion, 0, read, 1, completion.length - 1);
        inputs.add(read);
        targets.add(completion);
      }
      return llama.score(forks, inputs, targets);
    }

    /// A cache for each text that holds its prompt, but for the last token.
    private List<KvCache> fork(List<? extends PromptCompletion> texts) {
      List<KvCache> prompts = new ArrayList<>();
      List<int[]> read = new ArrayList<>();
      int[] promptOf = new int[texts.size()];
      int[] last = {};
      for (int i = 0; i < texts.size(); i++) {
        int[] prompt = texts.get(i).prompt();
        if (i == 0 || !Arrays.equals(prompt, last)) {
          prompts.add(open(prompt.length));
          read.add(Arrays.copyOf(prompt, prompt.length - 1));
        }
        last = prompt;
        promptOf[i] = prompts.size() - 1;
      }
      readAll(prompts, read);
      List<KvCache> forks = new ArrayList<>();
      for (int i = 0; i < promptOf.length; i++) {
        KvCache fork = open(texts.get(i).inputs());
        fork.forkFrom(prompts.get(promptOf[i]));
        forks.add(fork);
      }
      return forks;
    }

    private KvCache open(int capacity) {
      KvCache cache = llama.newCache(capacity);
      caches.add(cache);
      return cache;
    }

    /// Prompts of one token leave nothing to read ahead of it.
    private void readAll(List<KvCache> prompts, List<int[]> read) {
      List<KvCache> some = new ArrayList<>();
      List<int[]> tokens = new ArrayList<>();
      List<int[]> targets = new ArrayList<>();
      for (int i = 0; i < prompts.size(); i++) {
        if (read.get(i).length > 0) {
          some.add(prompts.get(i));
          tokens.add(read.get(i));
          int[] none = new int[read.get(i).length];
          Arrays.fill(none, -1);
          targets.add(none);
        }
      }
      if (!some.isEmpty()) {
        llama.score(some, tokens, targets);
      }
    }

    @Override
    public void close() {
      caches.forEach(KvCache::close);
    }
  }

  @Override
  public void close() {
    llama.close();
    arena.close();
  }
}
