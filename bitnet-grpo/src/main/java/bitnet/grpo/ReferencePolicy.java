package bitnet.grpo;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import bitnet.graph.TensorMemory;
import bitnet.model.LatentWeights;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import bitnet.model.TernarizedWeights;
import bitnet.model.TernaryWeights;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import bitnet.training.LogProbabilityPass;
import bitnet.training.PromptCompletion;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The frozen policy of the KL penalty. Its linear layers are packed to two bits per weight; its
/// output head is a tensor on the device of the trained policy.
public final class ReferencePolicy implements AutoCloseable {

  private final Arena arena = Arena.ofShared();
  private final TernaryLlama llama;
  private final NDManager scope;
  private final NDArray head; // [vocab, hidden]
  private final boolean replaceable;
  private final Map<TensorSpec, MemorySegment> latents = new LinkedHashMap<>();

  /// A copy of a policy's weights.
  ///
  /// @param manager of the graph that the policy is trained in; the output head is kept there
  /// @param replaceable whether [#replace] will be called; it then keeps the weights themselves
  ///     too, for checkpoints
  /// @throws IOException if a weight cannot be read
  public ReferencePolicy(
      LatentWeights weights, NDManager manager, RuntimeSettings settings, boolean replaceable)
      throws IOException {
    this(new TernarizedWeights(weights), manager, settings, replaceable);
    if (replaceable) {
      for (TensorSpec tensor : weights.config().tensors()) {
        latents.put(tensor, arena.allocate(tensor.count() * Float.BYTES, 64));
      }
      copy(weights);
    }
  }

  private ReferencePolicy(
      TernaryWeights weights, NDManager manager, RuntimeSettings settings, boolean replaceable)
      throws IOException {
    LlamaConfig config = weights.config();
    this.llama = TernaryLlama.load(weights, settings);
    this.scope = manager.newSubManager();
    this.head = scope.zeros(new Shape(config.vocabSize(), config.hiddenSize()), DataType.FLOAT32);
    this.replaceable = replaceable;
    readHead(weights);
  }

  /// The base of an adapter, which stays as it is.
  ///
  /// @param manager of the graph that the adapter is trained in
  static ReferencePolicy ofBase(TernaryWeights base, NDManager manager, RuntimeSettings settings)
      throws IOException {
    return new ReferencePolicy(base, manager, settings, false);
  }

  private void readHead(TernaryWeights weights) throws IOException {
    String name = weights.config().tiedHead() ? "model.embed_tokens.weight" : "lm_head.weight";
    TensorSpec tensor =
        weights.config().tensors().stream()
            .filter(spec -> spec.name().equals(name))
            .findFirst()
            .orElseThrow();
    TensorMemory.fill(head, memory -> weights.readRows(tensor, 0, tensor.rows(), memory));
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
    readHead(new TernarizedWeights(weights));
  }

  /// The weights by name, where they can be replaced; else nothing.
  Map<String, MemorySegment> tensors() {
    Map<String, MemorySegment> named = new LinkedHashMap<>();
    latents.forEach((tensor, values) -> named.put("reference/" + tensor.name(), values));
    return named;
  }

  /// Takes over weights that were written into the memory of [#tensors].
  void reload() throws IOException {
    Latents weights = new Latents(llama.config(), latents);
    llama.reload(new TernarizedWeights(weights));
    readHead(new TernarizedWeights(weights));
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

  /// What a [LogProbabilityPass] compares the policy with: this policy's hidden states before each
  /// completion token, and its head.
  LogProbabilityPass.Reference states(List<? extends PromptCompletion> texts) {
    return new LogProbabilityPass.Reference(CompletionStates.of(llama, texts), head);
  }

  @Override
  public void close() {
    llama.close();
    scope.close();
    arena.close();
  }
}
