package bitnet.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.model.TernarizedWeights;
import bitnet.runtime.RuntimeSettings;
import bitnet.runtime.TernaryLlama;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Against the generator that continues one text at a time.
class BatchGeneratorTest {
  private static final Tokenizer BYTES = Tokenizer.byteLevel();
  private static final LlamaConfig CONFIG =
      LlamaConfig.of(256, 64, 128, 2, 4).withKeyValueHeads(2).withContextLength(48);
  private static final Set<Integer> ENDS = Set.of(10, 65, 66, 67, 68, 69, 70, 71);
  private static final List<String> PROMPTS =
      List.of("To be", "or not", "x", "that is the question: a long one");

  private static TernaryLlama llama;

  @BeforeAll
  static void load() throws IOException {
    TernarizedWeights weights =
        new TernarizedWeights(new BlankWeights(CONFIG, new LatentInitializer(3, 0.05)));
    llama = TernaryLlama.load(weights, RuntimeSettings.fastest().withThreads(2));
  }

  @AfterAll
  static void close() {
    llama.close();
    BYTES.close();
  }

  private static int[] bytes(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = Byte.toUnsignedInt(bytes[i]);
    }
    return ids;
  }

  private static GenerationSettings settings(int maxTokens) {
    return new GenerationSettings(
        maxTokens, List.of("q"), new SamplingSettings(1.3, 0, 0.99, 0, 1, 11));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 100})
  void everyTextIsTheOneThatItWouldBeAlone(int slots) {
    int samples = 3;
    List<int[]> prompts = PROMPTS.stream().map(BatchGeneratorTest::bytes).toList();
    List<List<Completion>> together =
        new BatchGenerator(llama, BYTES, ENDS, slots).generate(prompts, samples, 40, settings(30));

    Generator one = new Generator(new TernaryLanguageModel(llama), BYTES, ENDS);
    List<FinishReason> reasons = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      for (int j = 0; j < samples; j++) {
        Completion alone =
            one.generate(prompts.get(i), 40 + i * samples + j, settings(30), piece -> {});
        Completion beside = together.get(i).get(j);
        assertThat(beside.sampled()).isEqualTo(alone.sampled());
        assertThat(beside.text()).isEqualTo(alone.text());
        assertThat(beside.finish()).isEqualTo(alone.finish());
        reasons.add(beside.finish());
      }
    }
    // the cases that free a slot at different times
    assertThat(reasons).contains(FinishReason.EOS, FinishReason.CONTEXT);
  }

  @Test
  void anEmptyOrTooLongPromptIsRefused() {
    BatchGenerator generator = new BatchGenerator(llama, BYTES, ENDS, 4);
    for (int length : new int[] {0, 49}) {
      assertThatThrownBy(() -> generator.generate(List.of(new int[length]), 2, 0, settings(4)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("a prompt has %d tokens; give 1 to 48".formatted(length));
    }
  }
}
