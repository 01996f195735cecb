package bitnet.server;

import bitnet.generation.TokenRanking;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// How the choices of an answer are written: as chat or as text completions.
sealed interface AnswerForm permits ChatForm, TextForm, ToolForm {

  /// The value of `object` in the answer.
  String object(boolean isChunk);

  /// The first chunk of a choice in a stream, or null if it has none.
  @Nullable ObjectNode opening(int choice);

  /// A chunk of a choice in a stream.
  ///
  /// @param finish why it ended, or null
  ObjectNode chunk(int choice, String text, List<TokenRanking> tokens, @Nullable String finish);

  /// A whole choice.
  ObjectNode whole(int choice, String text, List<TokenRanking> tokens, String finish);
}
