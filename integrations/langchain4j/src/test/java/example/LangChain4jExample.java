package example;

import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.langchain4j.BitNetChatModel;
import bitnet.runtime.RuntimeSettings;
import dev.langchain4j.model.chat.ChatModel;
import java.io.IOException;
import java.nio.file.Path;

/// Asks a model in this JVM: `LangChain4jExample MODEL QUESTION`.
public final class LangChain4jExample {
  private LangChain4jExample() {}

  public static void main(String[] args) throws IOException {
    BatchSettings batching = new BatchSettings(8, 64, 256 << 20);
    try (BatchedModel engine =
        BatchedModel.open(Path.of(args[0]), RuntimeSettings.fastest(), batching)) {
      ChatModel model = new BitNetChatModel(engine, "bitnet");
      System.out.println(model.chat(args[1]));
    }
  }
}
