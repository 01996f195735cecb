package bitnet.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Most of these files abort the whole JVM if the native library gets them.
class DamagedTokenizerTest {
  @TempDir private Path directory;
  private Path file = Path.of("tokenizer.json");

  @BeforeEach
  void saveAGoodOne() throws IOException {
    file = directory.resolve("tokenizer.json");
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      tokenizer.save(directory);
    }
  }

  private void isRefused(String reason) {
    assertThatIOException()
        .isThrownBy(() -> Tokenizer.load(directory))
        .withMessageStartingWith(directory.toString())
        .withMessageContaining(reason);
  }

  @Test
  void anAbsentFileIsNamed() throws IOException {
    Path absent = directory.resolve("absent");
    for (Path path : new Path[] {absent, Files.createDirectory(directory.resolve("empty"))}) {
      assertThatIOException()
          .isThrownBy(() -> Tokenizer.load(path))
          .withMessageStartingWith(path.toString())
          .withMessageContaining("no such file; name a tokenizer.json");
    }
  }

  @Test
  void aTruncatedFileIsRefusedWithThePlace() throws IOException {
    byte[] whole = Files.readAllBytes(file);
    for (int length : new int[] {0, 1, 1000, whole.length / 2, whole.length - 2}) {
      Files.write(file, Arrays.copyOf(whole, length));
      isRefused(length == 0 ? "not a JSON object" : "not valid JSON");
    }
  }

  @Test
  void aFileLargerThanAnyTokenizerIsNotRead() throws IOException {
    try (RandomAccessFile large = new RandomAccessFile(file.toFile(), "rw")) {
      large.setLength(TokenizerFile.MAX_BYTES + 1);
    }
    isRefused("268435457 bytes are more than");
  }

  @Test
  void flippedBytesAreRefusedOrLoadedButNeverCrash() throws IOException {
    byte[] whole = Files.readAllBytes(file);
    Random random = new Random(3);
    for (int round = 0; round < 60; round++) {
      byte[] damaged = whole.clone();
      int limit = round % 2 == 0 ? 2500 : damaged.length;
      damaged[random.nextInt(limit)] = (byte) random.nextInt(256);
      Files.write(file, damaged);
      try (Tokenizer tokenizer = Tokenizer.load(file)) {
        assertThat(tokenizer.decode(tokenizer.encode("some text"))).isNotNull();
      } catch (IOException refused) {
        assertThat(refused).hasMessageStartingWith(file.toString());
      } catch (IllegalArgumentException inexpressible) {
        assertThat(inexpressible).hasMessageContaining("cannot encode");
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '\1',
      value = {
        "model ; {'type': 'BPE', 'vocab': {'a': 0, 'b': 0}, 'merges': []} ; the same id 0",
        "model ; {'type': 'BPE', 'vocab': {'a': -1}, 'merges': []} ; \"a\" is -1",
        "model ; {'type': 'BPE', 'vocab': {'a': 4294967295}, 'merges': []} ; 4294967295",
        "model ; {'type': 'BPE', 'vocab': {'a': 2000000000}, 'merges': []} ; not below",
        "model ; {'type': 'BPE', 'vocab': {'a': 0, 'a': 1}, 'merges': []} ; Duplicate",
        "model ; {'type': 'BPE', 'merges': []} ; no model.vocab",
        "model ; {'type': 'Strange', 'vocab': {'<|endoftext|>': 0, '<|pad|>': 1}} ; \"Strange\" is not one of",
        "model ; {'type': 'BPE', 'vocab': {'<|endoftext|>': 0, '<|pad|>': 1, 'a': 2, 'b': 3, 'ab': 4}, 'merges': ['a b'], 'continuing_subword_prefix': '####'} ; lacks continuing_subword_prefix",
        "model ; {'type': 'BPE', 'vocab': {'<|endoftext|>': 0, '<|pad|>': 1, 'a': 2}, 'merges': ['a b']} ; out of vocabulary",
        "added_tokens ; [{'id': 9999, 'content': '<new>', 'special': true}] ; says id 9999 but gets 4096",
        "pre_tokenizer ; {'type': 'FixedLength', 'length': 0} ; FixedLength.length 0",
        "decoder ; {'type': 'Sequence', 'decoders': [{'type': 'Strip', 'content': 'a', 'start': 1, 'stop': 1}]} ; Strip.stop 1",
        "normalizer ; {'type': 'Precompiled', 'precompiled_charsmap': 'AAAA'} ; cut short",
        "normalizer ; {'type': 'Precompiled', 'precompiled_charsmap': '?'} ; not base64",
        "post_processor ; {'type': 'TemplateProcessing', 'single': [{'SpecialToken': {'id': '<s>', 'type_id': 0}}], 'pair': [], 'special_tokens': {}} ; \"<s>\" is not defined",
        "post_processor ; {'type': 'TemplateProcessing', 'single': [{'Sequence': {'id': 'B', 'type_id': 0}}], 'pair': [], 'special_tokens': {}} ; names a second one",
        "post_processor ; {'type': 'BertProcessing', 'sep': ['x', 99999], 'cls': ['y', 1]} ; 99999 is outside",
      })
  void aPartThatMakesNoSenseIsRefused(String key, String json, String reason) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    String whole = Files.readString(file);
    ObjectNode root = (ObjectNode) mapper.readTree(whole);
    root.put(key.strip(), "@part");
    Files.writeString(file, root.toString().replace("\"@part\"", json.replace('\'', '"')));
    isRefused(reason);
  }

  @Test
  void aConfigWhoseTokenIsUnknownIsRefused() throws IOException {
    Path config = directory.resolve("tokenizer_config.json");
    Files.writeString(config, "{\"eos_token\": \"</s>\"}");
    isRefused("eos_token \"</s>\" is not a token of");
    Files.writeString(config, "{");
    isRefused("not valid JSON");
  }

  @Test
  void textThatTheVocabularyLacksIsRefused() throws IOException {
    Files.writeString(
        file,
        """
        {"version": "1.0", "added_tokens": [], "model":
          {"type": "WordLevel", "unk_token": "?", "vocab": {"a": 0}}}
        """);
    Files.delete(directory.resolve("tokenizer_config.json"));
    try (Tokenizer tokenizer = Tokenizer.load(file)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> tokenizer.encode("b"))
          .withMessageContaining("cannot encode");
    }
  }
}
