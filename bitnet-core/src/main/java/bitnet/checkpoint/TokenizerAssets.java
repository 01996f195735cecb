package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.tokenizer.ChatTemplate;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/// What a model needs in addition to its weights to read and write text: tokenizer, chat template,
/// generation defaults.
interface TokenizerAssets {

  /// What `config.json` and `generation_config.json` say about the text that the model writes.
  ///
  /// @throws CheckpointException if they are damaged
  GenerationConfig generation() throws IOException;

  /// The template that makes one text of a conversation, if there is one.
  ///
  /// @throws IOException if it is damaged
  Optional<ChatTemplate> chatTemplate() throws IOException;

  /// The tokenizer; whoever asks closes it.
  ///
  /// @throws IOException if it is missing or damaged
  Tokenizer tokenizer() throws IOException;

  /// The tokens of the tokenizer, for the check that the model has as many; 0 if there is none.
  ///
  /// @throws IOException if the tokenizer is damaged
  int tokenizerSize() throws IOException;

  /// Writes `tokenizer.json`, `tokenizer_config.json`, the chat template and
  /// `generation_config.json` into a directory, in the form in which Hugging Face tools read them;
  /// those that there are.
  void save(Path directory) throws IOException;
}
