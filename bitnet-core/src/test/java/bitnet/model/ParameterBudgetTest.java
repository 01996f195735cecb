package bitnet.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ParameterBudgetTest {
  private static final List<String> SIZES =
      List.of(
          "1M", "1.5M", "2M", "3M", "5M", "7M", "10M", "20M", "30M", "50M", "75M", "100M", "125M",
          "200M", "250M", "297M", "299M", "300M", "350M", "500M", "700M", "750M", "1B", "1.3B",
          "1.5B", "2B", "2.4B", "2.99B", "3B", "3.9B", "5B", "6.9B", "7B", "8B", "10B", "13B",
          "30B", "70B", "100B", "175B", "200B");

  static Stream<Arguments> sizesAndVocabularies() {
    return Stream.of(256, 4096, 32000, 128256)
        .flatMap(
            vocab ->
                SIZES.stream()
                    // an embedding and a head of 64 columns must leave room
                    .filter(size -> ParameterBudget.parse(size).parameters() > 150L * vocab)
                    .map(size -> Arguments.of(size, vocab)));
  }

  @ParameterizedTest
  @MethodSource("sizesAndVocabularies")
  void realCountIsWithinOnePercentAndDimensionsArePackable(String size, int vocab) {
    ParameterBudget budget = ParameterBudget.parse(size);

    LlamaConfig config = plain(budget, vocab);

    double error = config.parameterCount() / (double) budget.parameters() - 1;
    assertThat(error).isCloseTo(0, within(0.01));
    assertThat(config.headDim()).isIn(64, 128);
    assertThat(config.queryWidth()).isEqualTo(config.hiddenSize());
    int multiple = config.parameterCount() >= 300_000_000 ? 256 : 64;
    assertThat(config.hiddenSize() % multiple).isZero();
    assertThat(config.intermediateSize() % multiple).isZero();
    if (budget.parameters() >= 7_000_000_000L) {
      assertThat(config.keyValueHeadCount()).isEqualTo(8);
    } else {
      assertThat(config.keyValueHeadCount()).isEqualTo(config.headCount());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"10M", "100M", "750M", "3B", "7B", "70B", "200B"})
  void proportionsAreThoseOfKnownModels(String size) {
    LlamaConfig config = plain(ParameterBudget.parse(size), 4096);

    assertThat(config.intermediateSize() / (double) config.hiddenSize()).isBetween(2.2, 3.8);
    assertThat(config.hiddenSize() / (double) config.layerCount()).isBetween(24.0, 160.0);
  }

  @Test
  void sizeOfTheBitNetPaperGetsItsDimensions() {
    LlamaConfig config = plain(ParameterBudget.parse("750M"), 32000);

    assertThat(config.hiddenSize()).isEqualTo(1536);
    assertThat(config.intermediateSize()).isEqualTo(4096);
    assertThat(config.headCount()).isEqualTo(24);
    assertThat(config.layerCount()).isBetween(22, 26);
  }

  @ParameterizedTest
  @CsvSource({"true, false", "false, true", "true, true"})
  void subNormsAndTiedHeadsAreCounted(boolean subNorms, boolean tied) {
    for (String size : List.of("5M", "100M", "1B", "13B")) {
      ParameterBudget budget = ParameterBudget.parse(size);
      LlamaConfig config =
          budget.configure(
              ModelFamily.LLAMA
                  .blank(32000)
                  .withActivation(Activation.RELU_SQUARED)
                  .withSubNorms(subNorms)
                  .withTiedHead(tied));
      assertThat(config.parameterCount() / (double) budget.parameters()).isBetween(0.99, 1.01);
    }
  }

  /// The count of the search is that of the tensors, biases and norms of q and k included.
  @ParameterizedTest
  @EnumSource(ModelFamily.class)
  void everyFamilyMeetsTheBudgetAndKeepsItsPieces(ModelFamily family) {
    for (String size : List.of("5M", "100M", "1B", "13B")) {
      ParameterBudget budget = ParameterBudget.parse(size);
      LlamaConfig template = family.blank(32000).withContextLength(512);
      LlamaConfig config = budget.configure(template);
      assertThat(config.parameterCount() / (double) budget.parameters()).isBetween(0.99, 1.01);
      assertThat(ModelFamily.of(config)).isEqualTo(family);
      assertThat(config.norms()).isEqualTo(template.norms());
      assertThat(config.heads().variant()).isEqualTo(template.heads().variant());
      assertThat(config.ropeTheta()).isEqualTo(template.ropeTheta());
      assertThat(config.contextLength()).isEqualTo(512);
    }
  }

  @Test
  void budgetThatTheVocabularyExceedsIsRefusedWithTheNearest() {
    assertThatThrownBy(() -> plain(ParameterBudget.parse("1M"), 32000))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1000000 parameters cannot be met within 1%")
        .hasMessageContaining("vocabulary of 32000; the nearest is 4153664 (hidden 64,")
        .hasMessageContaining("tied head");
  }

  @ParameterizedTest
  @CsvSource({
    "750M, 750000000",
    "1.5b, 1500000000",
    "200B, 200000000000",
    "1m, 1000000",
    "2500K, 2500000",
    "12345678, 12345678"
  })
  void numbersAreReadWithTheirUnit(String text, long parameters) {
    assertThat(ParameterBudget.parse(text).parameters()).isEqualTo(parameters);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "M", "-5M", "1e9", "7 B", "1.M", "7BB", "0x10", "99999999999999999"})
  void textThatIsNoNumberIsRefused(String text) {
    assertThatThrownBy(() -> ParameterBudget.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("write for example 750M");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "999999", "0.9M", "200.1B", "999999999999B"})
  void numberOutOfRangeIsRefused(String text) {
    assertThatThrownBy(() -> ParameterBudget.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("use 1M to 200B");
  }

  private static LlamaConfig plain(ParameterBudget budget, int vocab) {
    return budget.configure(ModelFamily.LLAMA.blank(vocab));
  }
}
