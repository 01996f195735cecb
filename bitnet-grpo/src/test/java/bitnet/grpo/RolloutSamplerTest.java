package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bitnet.kernel.CacheType;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.runtime.LmHeadType;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RolloutSamplerTest {
  private static final Path MISTRAL = Path.of("../../shared/data/tokenizer-mistral-v1.json");

  private static LlamaConfig config(int vocab) {
    return LlamaConfig.of(vocab, 32, 64, 1, 2).withContextLength(64);
  }

  private static int[] encode(Tokenizer tokenizer, String prompt) throws IOException {
    BlankWeights policy =
        new BlankWeights(config(tokenizer.vocabSize()), new LatentInitializer(1, 0.05));
    RuntimeSettings settings = new RuntimeSettings(1, "auto", LmHeadType.FP32, CacheType.FP32);
    try (RolloutSampler rollouts = new RolloutSampler(policy, tokenizer, Set.of(), settings)) {
      return rollouts.encode(prompt);
    }
  }

  @Test
  void promptsOfATokenizerWithABeginningOfTextBeginWithIt() throws IOException {
    assumeTrue(
        Files.exists(MISTRAL),
        "no Mistral tokenizer; save Mistral 7B v0.1's tokenizer.json as "
            + MISTRAL.toAbsolutePath().normalize());
    try (Tokenizer tokenizer = Tokenizer.load(MISTRAL)) {
      assertThat(encode(tokenizer, "1+1=")).startsWith(1).hasSizeGreaterThan(4);
    }
  }

  @Test
  void promptsOfBytesAreTheBytes() throws IOException {
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      assertThat(encode(tokenizer, "1+1=")).containsExactly('1', '+', '1', '=');
    }
  }
}
