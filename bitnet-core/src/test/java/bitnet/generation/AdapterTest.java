package bitnet.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.checkpoint.AdapterDirectory;
import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelLocation;
import bitnet.checkpoint.ModelSource;
import bitnet.format.CheckpointException;
import bitnet.graph.GraphLanguageModel;
import bitnet.model.ActivationScale;
import bitnet.model.BlankWeights;
import bitnet.model.ComputeSettings;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.model.LoraSettings;
import bitnet.model.LoraTarget;
import bitnet.model.RandomAdapter;
import bitnet.model.TernaryFingerprint;
import bitnet.runtime.KvCache;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Adapters on packed bases, in the graph and in the runtime.
class AdapterTest {
  private static final int[] IDS = {17, 3, 250, 99, 0, 128, 64, 17, 5, 201, 11, 40, 41};
  private static final LoraSettings ALL =
      new LoraSettings(3, 6, EnumSet.allOf(LoraTarget.class), 0, false, false);

  @TempDir private Path directory;

  enum Kind {
    LLAMA,
    /// Sub-norms and a tied head.
    BITNET,
    /// Norms inside the linear layers.
    LINEAR_NORMS,
    /// Scales of groups of inputs, activations with one scale.
    GROUPS,
    /// Activations with a scale for each group.
    GROUP_ACTIVATIONS,
    /// Activations that are not quantized.
    FLOAT_ACTIVATIONS
  }

  private static LlamaConfig config(Kind kind) {
    LlamaConfig llama =
        LlamaConfig.of(256, 64, 192, 2, 4).withKeyValueHeads(2).withContextLength(64);
    LlamaConfig grouped =
        llama.withWeights(new LlamaConfig.Weights(false, 64, false, false, ActivationScale.INT8));
    return switch (kind) {
      case LLAMA -> llama;
      case BITNET -> llama.withSubNorms(true).withTiedHead(true);
      case LINEAR_NORMS -> llama.withLinearNormEpsilon(OptionalDouble.of(2e-6));
      case GROUPS -> grouped;
      case GROUP_ACTIVATIONS -> grouped.withActivations(ActivationScale.INT8_GROUP);
      case FLOAT_ACTIVATIONS -> grouped.withActivations(ActivationScale.FLOAT);
    };
  }

  private Path model(String name, LlamaConfig config, int seed) throws IOException {
    Path path = directory.resolve(name);
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      ModelDirectory.write(
          path,
          new BlankWeights(config, new LatentInitializer(seed, 0.05)),
          tokenizer,
          false,
          ModelDirectory.Existing.REFUSE);
    }
    return path;
  }

  private Path adapter(String name, Path model, LoraSettings settings) throws IOException {
    Path path = directory.resolve(name);
    try (ModelSource source = ModelSource.open(model)) {
      RandomAdapter adapter = new RandomAdapter(settings, TernaryFingerprint.of(source.ternary()));
      AdapterDirectory.write(path, adapter, source.ternary().config(), model.toString());
    }
    return path;
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void theRuntimeComputesWhatTheGraphDoes(Kind kind) throws IOException {
    Path model = model("model", config(kind), 1);
    LoraSettings settings = kind == Kind.BITNET ? ALL.withNorms(true) : ALL;
    Path adapter = adapter("adapter", model, settings);
    ModelLocation location = new ModelLocation(model, Optional.of(adapter));
    try (ModelSource source = ModelSource.open(location);
        GraphLanguageModel graph =
            GraphLanguageModel.load(
                source.ternary(), source.adapter().orElseThrow(), new ComputeSettings("cpu", 2));
        TernaryLlama runtime =
            TernaryLlama.load(
                source.ternary(), RuntimeSettings.exact().withThreads(2), source.adapter());
        TernaryLlama plain =
            TernaryLlama.load(source.ternary(), RuntimeSettings.exact().withThreads(2))) {
      float[] expected = graph.logits(IDS)[IDS.length - 1];
      assertThat(logits(runtime, IDS))
          .usingComparatorWithPrecision(1e-3f)
          .containsExactly(expected);
      assertThat(distance(logits(plain, IDS), expected)).isGreaterThan(0.05);
    }
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void neighboursAndThreadsDoNotChangeABitOfTheLogits(Kind kind) throws IOException {
    Path model = model("model", config(kind), 1);
    Path adapter = adapter("adapter", model, ALL);
    ModelLocation location = new ModelLocation(model, Optional.of(adapter));
    try (ModelSource source = ModelSource.open(location);
        TernaryLlama one =
            TernaryLlama.load(
                source.ternary(), RuntimeSettings.fastest().withThreads(1), source.adapter());
        TernaryLlama three =
            TernaryLlama.load(
                source.ternary(), RuntimeSettings.fastest().withThreads(3), source.adapter())) {
      float[] whole = logits(one, IDS);
      try (KvCache cache = one.newCache(IDS.length)) {
        float[] last = {};
        for (int id : IDS) {
          last = one.advance(List.of(cache), List.of(new int[] {id}))[0];
        }
        assertThat(last).containsExactly(whole);
      }
      try (KvCache first = three.newCache(40);
          KvCache second = three.newCache(40);
          KvCache third = three.newCache(40)) {
        int[] other = {5, 6, 7, 8, 9};
        float[][] together =
            three.advance(List.of(first, second, third), List.of(other, IDS, new int[] {1}));
        assertThat(together[1]).containsExactly(whole);
      }
    }
  }

  @Test
  void anAdapterOfOtherTritsIsRefused() throws IOException {
    Path model = model("model", config(Kind.LLAMA), 1);
    Path other = model("other", config(Kind.LLAMA), 2);
    Path adapter = adapter("adapter", other, ALL);
    assertThatThrownBy(() -> ModelSource.open(new ModelLocation(model, Optional.of(adapter))))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "%s: was trained on a base with other trits than this model's; use that base (%s)",
            adapter.resolve("adapter_model.safetensors"), other);
  }

  @Test
  void anAdapterOfOtherDimensionsIsRefused() throws IOException {
    Path model = model("model", config(Kind.LLAMA), 1);
    Path other = model("other", LlamaConfig.of(256, 32, 192, 2, 4).withContextLength(64), 2);
    Path adapter = adapter("adapter", other, ALL);
    assertThatThrownBy(() -> ModelSource.open(new ModelLocation(model, Optional.of(adapter))))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(
            "has shape [3, 32], but the model needs [3, 64]; it is the adapter of another model");
  }

  @Test
  void anAdapterOfMoreLayersIsRefused() throws IOException {
    Path model = model("model", config(Kind.LLAMA), 1);
    Path other = model("other", config(Kind.LLAMA).withSize(64, 192, 3, 4, 2, 16), 1);
    Path adapter = adapter("adapter", other, ALL);
    assertThatThrownBy(() -> ModelSource.open(new ModelLocation(model, Optional.of(adapter))))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("belongs to no target of this model");
  }

  @Test
  void aDirectoryWithoutAnAdapterIsRefused() throws IOException {
    Path model = model("model", config(Kind.LLAMA), 1);
    assertThatThrownBy(() -> ModelSource.open(new ModelLocation(model, Optional.of(model))))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(
            "is not an adapter; supported are a directory with adapter_config.json");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"LORA\" | \"IA3\" | \"peft_type\" is \"IA3\"; only LORA is supported",
        "\"r\" : 3 | \"r\" : 0 | lora_rank 0 must be at least 1",
        "\"bias\" : \"none\" | \"bias\" : \"all\" | \"bias\" is \"all\", which is not supported",
        "\"use_rslora\" : false | \"use_dora\" : true | \"use_dora\" is true, which is not"
            + " supported",
        "\"q_proj\" | \"lm_head\" | \"target_modules\" names lm_head, which is not a linear layer",
        "\"modules_to_save\" : null | \"modules_to_save\" : [\"lm_head\"] | \"modules_to_save\" is",
        "\"use_rslora\" : false | \"rank_pattern\" : {\"q\": 1} | \"rank_pattern\" is"
      })
  void aConfigurationThatMeansOtherNumbersIsRefused(String was, String now, String message)
      throws IOException {
    Path model = model("model", config(Kind.LLAMA), 1);
    Path adapter = adapter("adapter", model, ALL);
    Path file = adapter.resolve("adapter_config.json");
    String text = Files.readString(file);
    assertThat(text).contains(was);
    Files.writeString(file, text.replace(was, now));
    assertThatThrownBy(() -> ModelSource.open(new ModelLocation(model, Optional.of(adapter))))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(message);
  }

  private static float[] logits(TernaryLlama llama, int... ids) {
    try (KvCache cache = llama.newCache(ids.length)) {
      return llama.advance(List.of(cache), List.of(ids))[0];
    }
  }

  private static double distance(float[] ours, float... theirs) {
    double most = 0;
    for (int i = 0; i < ours.length; i++) {
      most = Math.max(most, Math.abs(ours[i] - theirs[i]));
    }
    return most;
  }
}
