package bitnet.generation;

import bitnet.checkpoint.ModelLocation;
import bitnet.checkpoint.ModelSource;
import bitnet.model.ComputeSettings;
import bitnet.model.LanguageModel;
import bitnet.model.LanguageModelProvider;
import bitnet.model.LatentWeights;
import bitnet.model.TernaryWeights;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/// A model with its tokenizer, ready to write.
///
/// ```java
/// GenerationSettings settings = GenerationSettings.of(200, SamplingSettings.GREEDY);
/// try (TextModel model = TextModel.open(Path.of("runs/shakespeare"))) {
///   Completion completion = model.generator().generate("ROMEO:", settings, System.out::print);
///   System.out.println();
///   System.out.println(completion.finish());
///   System.out.println(completion.timings().decodeTokensPerSecond() + " tokens/s");
/// }
/// ```
///
/// Many threads may use it: their texts take turns on one engine thread. Closing waits for what is
/// being computed; later calls are refused.
public final class TextModel implements AutoCloseable {
  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final Generator generator;

  private final Optional<ChatTemplate> template;
  private final List<String> warnings = new ArrayList<>();

  private TextModel(
      LanguageModel model,
      Tokenizer tokenizer,
      Generator generator,
      Optional<ChatTemplate> template) {
    this.template = template;
    this.model = model;
    this.tokenizer = tokenizer;
    this.generator = generator;
  }

  /// Opens a model of any form that [ModelSource] knows: on an NVIDIA GPU where the engine is set
  /// up for one, else with the fastest kernels of the processor.
  ///
  /// @throws IOException if it is missing, damaged, of an unsupported kind or has no tokenizer,
  ///     saying what was found and what is supported
  public static TextModel open(Path path) throws IOException {
    return open(path, "auto", RuntimeSettings.fastest());
  }

  /// Opens a model on a given device.
  ///
  /// @param device `auto`, `cpu`, `cuda`, `cuda:1` or `mps`; on the processor the packed runtime
  ///     computes, on others a [LanguageModelProvider]
  /// @param settings of the packed runtime
  /// @throws IOException as above
  /// @throws IllegalArgumentException if there is no such device or kernel
  public static TextModel open(Path path, String device, RuntimeSettings settings)
      throws IOException {
    return open(ModelLocation.of(path), device, settings);
  }

  /// Opens a model, with an adapter or without, on a given device.
  ///
  /// @throws IOException as above
  /// @throws IllegalArgumentException if there is no such device or kernel, or the device is a GPU
  /// and     there is an adapter
  public static TextModel open(ModelLocation location, String device, RuntimeSettings settings)
      throws IOException {
    try (ModelSource source = ModelSource.open(location)) {
      Tokenizer tokenizer = source.tokenizer();
      LanguageModel model;
      try {
        model = new SharedLanguageModel(() -> load(source, device, settings));
      } catch (IOException | RuntimeException failure) {
        tokenizer.close();
        throw failure;
      }
      try {
        TextModel opened =
            new TextModel(
                model,
                tokenizer,
                new Generator(model, tokenizer, source.endTokens()),
                source.chatTemplate());
        opened.warnings.addAll(tokenizer.warnings());
        source.madeTernary(settings.fullPrecision()).ifPresent(opened.warnings::add);
        return opened;
      } catch (IOException | RuntimeException failure) {
        model.close();
        tokenizer.close();
        throw failure;
      }
    }
  }

  /// The packed runtime, unless a provider serves the device.
  private static LanguageModel load(ModelSource source, String device, RuntimeSettings settings)
      throws IOException {
    TernaryWeights weights = source.inference(settings.fullPrecision());
    for (LanguageModelProvider provider : ServiceLoader.load(LanguageModelProvider.class)) {
      if (provider.serves(device)) {
        if (source.adapter().isPresent()) {
          throw new IllegalArgumentException(
              "an adapter is computed next to packed weights, on the processor; use `device` cpu");
        }
        ComputeSettings compute = new ComputeSettings(device, settings.threads());
        LatentWeights latents = source.weights();
        if (settings.fullPrecision()) {
          return provider.openFullPrecision(latents, compute);
        }
        return provider.open(
            settings.activations().map(latents::withActivations).orElse(latents), compute);
      }
    }
    return new TernaryLanguageModel(TernaryLlama.load(weights, settings, source.adapter()));
  }

  /// The model alone.
  public LanguageModel model() {
    return model;
  }

  /// What a user should know of how the model was read, one line each; usually nothing.
  public List<String> warnings() {
    return List.copyOf(warnings);
  }

  /// What writes with it.
  public Generator generator() {
    return generator;
  }

  /// A new conversation with the model, written as its chat template says. The caller closes it
  /// before the model.
  ///
  /// @param settings of every answer
  public Conversation converse(GenerationSettings settings) {
    return new Conversation(model, tokenizer, generator, template, settings);
  }

  @Override
  public void close() {
    model.close();
    tokenizer.close();
  }
}
