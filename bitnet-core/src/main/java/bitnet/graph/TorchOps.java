package bitnet.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.pytorch.jni.ScriptCalls;
import bitnet.model.Activation;
import bitnet.model.LlamaConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/// The tensor functions of tensor_ops.py, typed. Shapes and equations stand there.
///
/// Results belong to the manager passed first; arguments keep their owners.
public final class TorchOps {

  /// Logit rows that exist at once in [#crossEntropy] and [#logProbabilities].
  public static final int LOGIT_ROWS = 512;

  private final PtSymbolBlock module;

  /// Compiles the functions; takes about 0.1 s.
  ///
  /// @param manager owns the compiled module
  public TorchOps(NDManager manager) {
    try {
      module = TorchScript.compile(manager, "tensor_ops.py");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Sets what libtorch keeps per thread; to be called once on the thread that computes.
  ///
  /// @param threads for libtorch's products
  public static void prepareThread(int threads) {
    TorchEngine.get();
    JniUtils.setNumThreads(threads);
    // profiling and fusing of scripts costs more than it gains: 15-25% slower with it
    JniUtils.setGraphExecutorOptimize(false);
    JniUtils.setGradMode(false);
  }

  private NDArray[] call(String method, NDManager scope, Object... arguments) {
    return ScriptCalls.run(module, method, scope, arguments);
  }

  /// A normalized or quantized tensor with one number per token.
  record PerToken(NDArray values, NDArray factor) {}

  /// What attention leaves behind for its gradient; `output` is `[tokens, heads * headDim]`.
  record AttentionResult(
      NDArray output, NDArray queryKey, NDArray value, NDArray byHead, NDArray logSumExp) {}

  void ternarize(
      NDManager scope,
      NDArray latent,
      long[] blocks,
      double sharpness,
      NDArray trits,
      NDArray scale) {
    call("ternarize", scope, latent, blocks, sharpness, trits, scale);
  }

  void ternarizeGroups(
      NDManager scope, NDArray latent, int columns, double sharpness, NDArray products) {
    call("ternarize_groups", scope, latent, (long) columns, sharpness, products);
  }

  long[] watchProducts(NDManager scope, NDArray products, int stride, NDArray before) {
    return call("watch_products", scope, products, (long) stride, before)[0].toLongArray();
  }

  long[] watchTrits(NDManager scope, NDArray latent, NDArray scale, int stride, NDArray before) {
    return call("watch_trits", scope, latent, scale, (long) stride, before)[0].toLongArray();
  }

  NDArray ternarizeRows(NDManager scope, NDArray latent) {
    return call("ternarize_rows", scope, latent)[0];
  }

  PerToken rmsNorm(NDManager scope, NDArray x, NDArray gain, double epsilon) {
    NDArray[] results = call("rms_norm", scope, x, gain, epsilon);
    return new PerToken(results[0], results[1]);
  }

  NDArray rmsNormBackward(
      NDManager scope, NDArray dy, NDArray x, NDArray factor, NDArray gain, NDArray dGain) {
    return call("rms_norm_backward", scope, dy, x, factor, gain, dGain)[0];
  }

  PerToken quantize(NDManager scope, NDArray x, double sharpness, ComputeType type) {
    NDArray[] results = call("quantize", scope, x, sharpness, type.mode());
    return new PerToken(results[0], results[1]);
  }

  PerToken quantizeGroups(
      NDManager scope, NDArray x, int columns, double sharpness, ComputeType type) {
    NDArray[] results = call("quantize_groups", scope, x, (long) columns, sharpness, type.mode());
    return new PerToken(results[0], results[1]);
  }

  PerToken keepActivations(NDManager scope, NDArray x, ComputeType type) {
    NDArray[] results = call("keep_activations", scope, x, type.mode());
    return new PerToken(results[0], results[1]);
  }

  NDArray bitLinear(NDManager scope, PerToken input, NDArray trits, NDArray scale) {
    return call("bit_linear", scope, input.values(), input.factor(), trits, scale)[0];
  }

  NDArray bitLinearBackward(
      NDManager scope,
      NDArray dy,
      boolean lastUse,
      PerToken input,
      NDArray trits,
      NDArray scale,
      NDArray dWeight,
      ComputeType type) {
    return call(
        "bit_linear_backward",
        scope,
        dy,
        lastUse,
        input.values(),
        input.factor(),
        trits,
        scale,
        dWeight,
        type.mode())[0];
  }

  /// `y[:, start..] = x w^t` for the first `count` rows of `weights`.
  void blockProduct(
      NDManager scope,
      NDArray y,
      NDArray x,
      long start,
      NDArray weights,
      long count,
      ComputeType type) {
    call("block_product", scope, y, x, start, weights, count, type.mode());
  }

  /// `dx += dy[:, start..] w` for the first `count` rows of `weights`.
  void blockBackward(
      NDManager scope,
      NDArray dx,
      NDArray dy,
      long start,
      NDArray weights,
      long count,
      ComputeType type) {
    call("block_backward", scope, dx, dy, start, weights, count, type.mode());
  }

  /// Adds a low-rank adapter's output to the columns of `y` from `start`.
  ///
  /// @return `x a^t`
  NDArray lora(
      NDManager scope,
      NDArray y,
      NDArray x,
      Parameter down,
      Parameter up,
      long start,
      double scaling) {
    return call("lora", scope, y, x, down.value(), up.value(), start, scaling)[0];
  }

  /// Adds the gradients of an adapter and of its input.
  ///
  /// @param inner of [#lora]
  /// @param mask that x was multiplied with, or without elements
  void loraBackward(
      NDManager scope,
      NDArray dy,
      NDArray x,
      NDArray inner,
      Parameter down,
      Parameter up,
      long start,
      double scaling,
      NDArray mask,
      NDArray dx) {
    call(
        "lora_backward",
        scope,
        dy,
        x,
        inner,
        down.value(),
        up.value(),
        start,
        scaling,
        mask,
        down.gradient(),
        up.gradient(),
        dx);
  }

  NDArray multiplied(NDManager scope, NDArray x, NDArray y) {
    return call("multiplied", scope, x, y)[0];
  }

  AttentionResult attention(
      NDManager scope,
      NDArray qkv,
      RotaryEmbedding.Angles angles,
      NDArray mask,
      long batch,
      LlamaConfig config,
      ComputeType type) {
    NDArray[] results =
        call(
            "attention",
            scope,
            qkv,
            angles.cos(),
            angles.sin(),
            mask,
            batch,
            (long) config.headCount(),
            (long) config.keyValueHeadCount(),
            type.mode());
    return new AttentionResult(results[0], results[1], results[2], results[3], results[4]);
  }

  NDArray attentionBackward(
      NDManager scope,
      NDArray dy,
      AttentionResult forward,
      RotaryEmbedding.Angles angles,
      NDArray mask) {
    return call(
        "attention_backward",
        scope,
        dy,
        forward.queryKey(),
        forward.value(),
        forward.byHead(),
        forward.logSumExp(),
        angles.cos(),
        angles.sin(),
        mask)[0];
  }

  NDArray attentionCached(
      NDManager scope,
      NDArray qkv,
      RotaryEmbedding.Angles angles,
      NDArray keys,
      NDArray values,
      long start,
      LlamaConfig config) {
    return call(
        "attention_cached",
        scope,
        qkv,
        angles.cos(),
        angles.sin(),
        keys,
        values,
        start,
        (long) config.headCount())[0];
  }

  NDArray addBias(NDManager scope, NDArray y, NDArray bias) {
    return call("add_bias", scope, y, bias)[0];
  }

  void addBiasGradient(NDManager scope, NDArray dy, NDArray dBias) {
    call("add_bias_gradient", scope, dy, dBias);
  }

  /// Normed q and k with v as it is, and `1 / rms` of each head of q and of k.
  record NormedHeads(NDArray qkv, NDArray queryFactor, NDArray keyFactor) {}

  NormedHeads headNorms(
      NDManager scope, NDArray qkv, NDArray queryGain, NDArray keyGain, LlamaConfig config) {
    NDArray[] results =
        call(
            "head_norms",
            scope,
            qkv,
            queryGain,
            keyGain,
            (long) config.headCount(),
            (long) config.keyValueHeadCount(),
            config.rmsNormEpsilon());
    return new NormedHeads(results[0], results[1], results[2]);
  }

  NDArray headNormsBackward(
      NDManager scope,
      NDArray dy,
      NDArray qkv,
      NormedHeads forward,
      Parameter queryGain,
      Parameter keyGain,
      LlamaConfig config) {
    return call(
        "head_norms_backward",
        scope,
        dy,
        qkv,
        forward.queryFactor(),
        forward.keyFactor(),
        queryGain.value(),
        keyGain.value(),
        queryGain.gradient(),
        keyGain.gradient(),
        (long) config.headCount(),
        (long) config.keyValueHeadCount())[0];
  }

  NDArray gated(NDManager scope, NDArray gateUp, Activation activation) {
    return call("gated", scope, gateUp, activation == Activation.RELU_SQUARED)[0];
  }

  NDArray gatedBackward(NDManager scope, NDArray dz, NDArray gateUp, Activation activation) {
    return call("gated_backward", scope, dz, gateUp, activation == Activation.RELU_SQUARED)[0];
  }

  NDArray sideBySide(NDManager scope, List<NDArray> parts) {
    return call("side_by_side", scope, parts)[0];
  }

  NDArray columns(NDManager scope, NDArray x, long start, long count) {
    return call("columns", scope, x, start, count)[0];
  }

  NDArray rows(NDManager scope, NDArray x, long start, long count) {
    return call("rows", scope, x, start, count)[0];
  }

  /// Rows of a matrix, in the order of their numbers; the embedding of token ids.
  public NDArray selectRows(NDManager scope, NDArray matrix, NDArray numbers) {
    return call("select_rows", scope, matrix, numbers)[0];
  }

  /// Adds rows to those of these numbers: the gradient of [#selectRows].
  public void addRows(NDManager scope, NDArray rows, NDArray numbers, NDArray matrix) {
    call("add_rows", scope, rows, numbers, matrix);
  }

  NDArray linear(NDManager scope, NDArray x, NDArray weight) {
    return call("linear", scope, x, weight)[0];
  }

  NDArray bf16(NDManager scope, NDArray x) {
    return call("bf16", scope, x)[0];
  }

  /// What log-probabilities of tokens are computed from.
  ///
  /// @param hidden states of the tokens before, `[rows, hidden]`
  /// @param head `[vocab, hidden]`
  /// @param targets the tokens, `[rows]`, int64
  /// @param temperature that logits are divided by, above 0
  /// @param candidates the tokens that each row's distribution is restricted to
  /// @param reference another policy to compare with
  /// @param type of the products
  public record HeadInputs(
      NDArray hidden,
      NDArray head,
      NDArray targets,
      double temperature,
      Candidates candidates,
      Reference reference,
      ComputeType type) {

    /// The same inputs with another policy to compare with.
    public HeadInputs withReference(Reference other) {
      return new HeadInputs(hidden, head, targets, temperature, candidates, other, type);
    }
  }

  /// Pairs of a row and a token that it may take; without any pair all rows may take all tokens.
  ///
  /// @param rows `[pairs]`, int64, ascending
  /// @param ids `[pairs]`, int64
  public record Candidates(NDArray rows, NDArray ids) {}

  /// A policy to compare with; tensors of no elements for none.
  ///
  /// @param hidden its states, `[rows, hidden]`
  /// @param head its head, `[vocab, hidden]`
  public record Reference(NDArray hidden, NDArray head) {}

  /// The probabilities of the tokens.
  ///
  /// @param chosen their log-probabilities, `[rows]`
  /// @param entropy of the distributions, in nats, `[rows]`
  /// @param reference their log-probabilities under the reference, `[rows]`; empty without one
  /// @param divergence `KL(policy, reference)` over the whole vocabulary, in nats, `[rows]`; empty
  ///     without a reference
  public record HeadResult(
      NDArray chosen, NDArray entropy, NDArray reference, NDArray divergence) {}

  /// The log-probabilities of all targets, with entropies and the comparison.
  public HeadResult logProbabilities(NDManager scope, HeadInputs inputs) {
    NDArray none = scope.create(new float[0]);
    NDArray[] results = logProbabilities(scope, inputs, none, none, true, none, none);
    return new HeadResult(results[0], results[1], results[2], results[3]);
  }

  /// The gradients of `sum slopes * log p(target) + sum klSlopes * KL(policy, reference)`.
  ///
  /// @param slopes `[rows]`
  /// @param klSlopes `[rows]`, or empty for none
  /// @param dHidden is set, `[rows, hidden]`
  /// @param dHead is added to
  public void logProbabilitiesBackward(
      NDManager scope,
      HeadInputs inputs,
      NDArray slopes,
      NDArray klSlopes,
      NDArray dHidden,
      NDArray dHead) {
    logProbabilities(scope, inputs, slopes, klSlopes, false, dHidden, dHead);
  }

  private NDArray[] logProbabilities(
      NDManager scope,
      HeadInputs inputs,
      NDArray slopes,
      NDArray klSlopes,
      boolean entropies,
      NDArray dHidden,
      NDArray dHead) {
    return call(
        "log_probabilities",
        scope,
        inputs.hidden(),
        inputs.head(),
        inputs.targets(),
        slopes,
        inputs.temperature(),
        inputs.candidates().rows(),
        inputs.candidates().ids(),
        inputs.reference().hidden(),
        inputs.reference().head(),
        klSlopes,
        (long) LOGIT_ROWS,
        inputs.type().mode(),
        entropies,
        dHidden,
        dHead);
  }

  /// `-sum log p(target)` (fp64 scalar); with `weight > 0` also the gradients of `weight` times
  /// it.
  public NDArray crossEntropy(
      NDManager scope,
      NDArray hidden,
      NDArray head,
      NDArray targets,
      ComputeType type,
      double weight,
      NDArray dHidden,
      NDArray dHead) {
    return call(
        "cross_entropy",
        scope,
        hidden,
        head,
        targets,
        (long) LOGIT_ROWS,
        type.mode(),
        weight,
        dHidden,
        dHead)[0];
  }

  /// The 2-norm of all gradients together.
  public float gradientNorm(NDManager scope, List<NDArray> gradients) {
    return call("grad_norm", scope, gradients)[0].getFloat();
  }

  /// Every `stride`-th entry of all gradients, in one vector.
  public NDArray sampleGradients(NDManager scope, List<NDArray> gradients, long stride) {
    return call("sample_gradients", scope, gradients, stride)[0];
  }

  /// Sets every tensor to zero.
  public void zero(NDManager scope, List<NDArray> tensors) {
    call("zero", scope, tensors);
  }

  /// One AdamW step (Loshchilov and Hutter, arXiv 1711.05101), in place; zeroes the gradients.
  ///
  /// @param steps one fp32 scalar per parameter, counted up here
  /// @param clip factor for the gradients, at most 1
  public void adamW(
      NDManager scope,
      List<NDArray> parameters,
      List<NDArray> gradients,
      List<NDArray> firstMoments,
      List<NDArray> secondMoments,
      List<NDArray> steps,
      AdamWSettings settings,
      double learningRate,
      double weightDecay,
      double clip) {
    call(
        "adamw",
        scope,
        parameters,
        gradients,
        firstMoments,
        secondMoments,
        steps,
        learningRate,
        settings.beta1(),
        settings.beta2(),
        settings.epsilon(),
        weightDecay,
        clip);
  }

  /// The constants of AdamW.
  ///
  /// @param beta1 decay of the first moment, from 0 to below 1
  /// @param beta2 decay of the second moment, from 0 to below 1
  /// @param epsilon added to the root of the second moment, above 0
  public record AdamWSettings(double beta1, double beta2, double epsilon) {
    /// BitNet's: 0.9, 0.95 and 1e-8.
    public static final AdamWSettings BITNET = new AdamWSettings(0.9, 0.95, 1e-8);

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException naming the value, the rule and a remedy
    public AdamWSettings {
      checkDecay("adam_beta1", beta1, 0.9);
      checkDecay("adam_beta2", beta2, 0.95);
      if (!(epsilon > 0 && Double.isFinite(epsilon))) {
        throw new IllegalArgumentException(
            "adam_epsilon %s is not a finite number above 0; use 1e-8".formatted(epsilon));
      }
    }

    private static void checkDecay(String name, double decay, double remedy) {
      if (!(decay >= 0 && decay < 1)) {
        throw new IllegalArgumentException(
            "%s %s is not from 0 to below 1; use %s".formatted(name, decay, remedy));
      }
    }
  }

  /// The product of two matrices, for measuring the machine.
  public NDArray product(NDManager scope, NDArray a, NDArray b, ComputeType type) {
    return call("product", scope, a, b, type.mode())[0];
  }
}
