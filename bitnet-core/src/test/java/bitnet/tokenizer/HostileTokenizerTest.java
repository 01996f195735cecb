package bitnet.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.format.Mutation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The checks that stand before the native library, and the chat template's files.
class HostileTokenizerTest {
  private static final String TOKENIZER =
      """
      {"version": "1.0", "truncation": null, "padding": null,
       "added_tokens": [{"id": 3, "content": "<s>", "special": true, "normalized": false}],
       "normalizer": {"type": "Sequence", "normalizers": [{"type": "Strip", "stop": 0}]},
       "pre_tokenizer": {"type": "FixedLength", "length": 5},
       "post_processor": {"type": "TemplateProcessing",
         "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A"}}],
         "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [3], "tokens": ["<s>"]}}},
       "decoder": {"type": "ByteFallback"},
       "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"],
         "byte_fallback": true, "continuing_subword_prefix": ""}}
      """;
  private static final String CONFIG =
      """
      {"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "ab",
       "chat_template": [{"name": "default", "template": "{{ bos_token }}"}]}
      """;

  @TempDir private Path directory;

  @Test
  void mutatedTokenizers() {
    byte[] seed = TOKENIZER.getBytes(StandardCharsets.UTF_8);
    Random random = new Random(5);
    int accepted = 0;
    for (int i = 0; i < Mutation.INPUTS; i++) {
      byte[] mutated = Mutation.of(seed, Integer.MAX_VALUE, random);
      if (Mutation.read(mutated.length, "the file", () -> read(mutated))) {
        accepted++;
      }
    }
    assertThat(accepted).isBetween(1, Mutation.INPUTS - 1);
  }

  private static void read(byte[] tokenizer) throws IOException {
    TokenizerFile file = TokenizerFile.of(tokenizer, "the file");
    SpecialTokens.usual(file);
  }

  @Test
  void mutatedTokenizerConfigs() throws IOException {
    TokenizerFile file = TokenizerFile.of(TOKENIZER.getBytes(StandardCharsets.UTF_8), "good");
    byte[] seed = CONFIG.getBytes(StandardCharsets.UTF_8);
    Path config = directory.resolve("tokenizer_config.json");
    Random random = new Random(6);
    int accepted = 0;
    for (int i = 0; i < Mutation.INPUTS; i++) {
      byte[] mutated = Mutation.of(seed, Integer.MAX_VALUE, random);
      Files.deleteIfExists(config);
      Files.write(config, mutated);
      if (Mutation.read(
          mutated.length,
          "tokenizer_config.json",
          () -> {
            ChatTemplate.load(directory);
            SpecialTokens.configured(mutated, config.toString(), file);
          })) {
        accepted++;
      }
    }
    assertThat(accepted).isBetween(1, Mutation.INPUTS - 1);
  }
}
