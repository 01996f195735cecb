package bitnet.server;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.generation.TokenRanking;
import bitnet.tokenizer.Tokenizer;
import java.util.List;
import org.junit.jupiter.api.Test;

class TokenNamesTest {
  @Test
  void aTokenOfHalfACharacterHasItsBytes() {
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      TokenRanking ranking =
          new TokenRanking(0xC3, -1.5, List.of(new TokenRanking.Ranked('A', -0.5)));

      assertThat(new TokenNames(tokenizer).chat(ranking))
          .hasToString(
              "{\"token\":\"token_id:195\",\"logprob\":-1.5,\"bytes\":[195],\"top_logprobs\":"
                  + "[{\"token\":\"A\",\"logprob\":-0.5,\"bytes\":[65]}]}");
    }
  }

  @Test
  void anIdWithoutATokenHasNoBytes() {
    try (Tokenizer tokenizer = Tokenizer.byteLevel()) {
      TokenRanking ranking = new TokenRanking(256, -1, List.of());

      assertThat(new TokenNames(tokenizer).chat(ranking).path("bytes").isNull()).isTrue();
    }
  }
}
