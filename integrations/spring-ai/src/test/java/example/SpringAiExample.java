package example;

import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.runtime.RuntimeSettings;
import bitnet.springai.BitNetChatModel;
import java.io.IOException;
import java.nio.file.Path;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.prompt.ChatOptions;

/// Asks a model in this JVM: `SpringAiExample MODEL QUESTION`. In a Spring Boot application the
/// property `spring.ai.bitnet.model-path` makes the chat model.
public final class SpringAiExample {
  private SpringAiExample() {}

  public static void main(String[] args) throws IOException {
    BatchSettings batching = new BatchSettings(8, 64, 256 << 20);
    try (BatchedModel engine =
        BatchedModel.open(Path.of(args[0]), RuntimeSettings.fastest(), batching)) {
      ChatOptions options = ChatOptions.builder().model("bitnet").maxTokens(100).build();
      ChatClient client = ChatClient.create(new BitNetChatModel(engine, options));
      System.out.println(client.prompt().user(args[1]).call().content());
    }
  }
}
