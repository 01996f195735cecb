package bitnet.checkpoint;

import bitnet.format.JsonFile;
import bitnet.model.LlamaConfig;
import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/// The tokenizer assets of a model that is created here.
///
/// @param tokenizer copied into the directory
/// @param config the model's dimensions
record NewTokenizerAssets(Tokenizer tokenizer, LlamaConfig config) implements TokenizerAssets {

  @Override
  public GenerationConfig generation() {
    return GenerationConfig.of(tokenizer.beginOfText(), tokenizer.endOfText());
  }

  @Override
  public Optional<ChatTemplate> chatTemplate() throws IOException {
    return tokenizer.chatTemplate();
  }

  @Override
  public int tokenizerSize() {
    return tokenizer.vocabSize();
  }

  @Override
  public void save(Path directory) throws IOException {
    tokenizer.save(directory);
    ObjectNode root = JsonFile.MAPPER.createObjectNode();
    put(root, "bos_token_id", tokenizer.beginOfText());
    put(root, "eos_token_id", tokenizer.endOfText());
    root.put("max_length", config.contextLength());
    JsonFile.write(directory.resolve(GenerationConfig.NAME), root);
  }

  private static void put(ObjectNode root, String key, OptionalInt id) {
    id.ifPresent(token -> root.put(key, token));
  }
}
