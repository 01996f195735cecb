package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.JsonFile;
import bitnet.format.gguf.GgufFile;
import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// The tokenizer assets in the metadata of a GGUF file.
///
/// @param file stays its owner's
record GgufTokenizerAssets(GgufFile file) implements TokenizerAssets {

  @Override
  public GenerationConfig generation() throws IOException {
    return new GenerationConfig(
        Optional.empty(),
        OptionalDouble.empty(),
        OptionalInt.empty(),
        OptionalDouble.empty(),
        GgufVocabulary.beginToken(file).stream().boxed().toList(),
        GgufVocabulary.endTokens(file));
  }

  @Override
  public Tokenizer tokenizer() throws IOException {
    if (!GgufVocabulary.isIn(file)) {
      throw new CheckpointException(
          file.path(), "has no tokenizer; export the model again with its tokenizer");
    }
    return GgufVocabulary.read(file);
  }

  @Override
  public Optional<ChatTemplate> chatTemplate() throws IOException {
    if (!GgufVocabulary.isIn(file)) {
      return Optional.empty();
    }
    try (Tokenizer tokenizer = tokenizer()) {
      return tokenizer.chatTemplate();
    }
  }

  @Override
  public int tokenizerSize() throws IOException {
    if (!GgufVocabulary.isIn(file)) {
      return 0;
    }
    try (Tokenizer tokenizer = tokenizer()) {
      return tokenizer.vocabSize();
    }
  }

  @Override
  public void save(Path directory) throws IOException {
    if (GgufVocabulary.isIn(file)) {
      try (Tokenizer tokenizer = tokenizer()) {
        tokenizer.save(directory);
      }
    }
    GenerationConfig generation = generation();
    ObjectNode root = JsonFile.MAPPER.createObjectNode();
    put(root, "bos_token_id", generation.beginTokens());
    put(root, "eos_token_id", generation.endTokens());
    JsonFile.write(directory.resolve(GenerationConfig.NAME), root);
  }

  private static void put(ObjectNode root, String key, List<Integer> ids) {
    if (ids.size() == 1) {
      root.put(key, ids.getFirst());
    } else if (!ids.isEmpty()) {
      ids.forEach(root.putArray(key)::add);
    }
  }
}
