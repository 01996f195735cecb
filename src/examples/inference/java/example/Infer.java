package example;

import bitnet.generation.Completion;
import bitnet.generation.GenerationSettings;
import bitnet.generation.SamplingSettings;
import bitnet.generation.TextModel;
import java.io.IOException;
import java.nio.file.Path;

/// Completes a prompt: `Infer MODEL PROMPT`.
public final class Infer {
  private Infer() {}

  public static void main(String[] args) throws IOException {
    Path path = Path.of(args[0]); // a model, run, Hugging Face or GGUF directory
    String prompt = args[1];

    // At most 100 new tokens, sampled at temperature 0.7; the same seed gives the same text.
    SamplingSettings sampling = SamplingSettings.GREEDY.withTemperature(0.7).withSeed(1);
    GenerationSettings settings = GenerationSettings.of(100, sampling);

    try (TextModel model = TextModel.open(path)) {
      Completion completion = model.generator().generate(prompt, settings, System.out::print);
      System.out.println();
      System.out.printf(
          "ended by %s, %.0f tokens/s%n",
          completion.finish(), completion.timings().decodeTokensPerSecond());
    }
  }
}
