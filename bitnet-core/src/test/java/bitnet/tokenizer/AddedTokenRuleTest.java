package bitnet.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Added tokens that take white space or stand alone, in the lists of a GGUF file.
class AddedTokenRuleTest {
  private static final Path STRIPS = Path.of("src/test/resources/fixtures/tokenizers/strips");
  private static final List<String> TOKENS =
      List.of("<mask>", "<r>", "<lr>", "word", "Norm", "<|sp|>", "</s>");

  /// How a text and an added token stand next to each other.
  @ParameterizedTest
  @ValueSource(
      strings = {"a %s b", "a  %s  b", "a%sb", "%s", " %s ", "a\n%s\nb", "%1$s%1$s", "x_%s-"})
  void aTextHasTheSameTokensAfterwards(String pattern) throws IOException {
    try (Tokenizer original = Tokenizer.load(STRIPS);
        Tokenizer again = TokenTable.of(original).tokenizer("again")) {
      for (String token : TOKENS) {
        String text = pattern.formatted(token);
        assertThat(again.encode(text)).as(text).isEqualTo(original.encode(text));
      }
    }
  }

  @Test
  void theConversionNamesWhatLlamaCppDoesNotDo() throws IOException {
    try (Tokenizer original = Tokenizer.load(STRIPS);
        Tokenizer bundled = Tokenizer.bundled()) {
      assertThat(TokenTable.of(original).lostInGguf().getFirst())
          .contains("<mask> (lstrip", "<r> (rstrip", "<lr> (lstrip, rstrip", "word (single_word");
      assertThat(TokenTable.of(bundled).lostInGguf()).isEmpty();
    }
  }

  @Test
  void aRuleSurvivesAsANumber() {
    for (int bits = 0; bits < 16; bits++) {
      assertThat(AddedTokenRule.of(bits).bits()).isEqualTo(bits);
    }
  }
}
