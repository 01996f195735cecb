package example;

import bitnet.generation.Conversation;
import bitnet.generation.GenerationSettings;
import bitnet.generation.SamplingSettings;
import bitnet.generation.TextModel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Answers the lines of the standard input: `ChatExample MODEL`.
public final class ChatExample {
  private ChatExample() {}

  public static void main(String[] args) throws IOException {
    GenerationSettings settings =
        GenerationSettings.of(40, SamplingSettings.GREEDY.withTemperature(0.7));
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    // The conversation keeps its turns and the model's key/value cache: each answer
    // computes the new tokens only. It must be closed before the model.
    try (TextModel model = TextModel.open(Path.of(args[0]));
        Conversation conversation = model.converse(settings)) {
      conversation.reset("Answer briefly."); // the system message
      for (String line = input.readLine(); line != null; line = input.readLine()) {
        System.out.print("> ");
        conversation.say(line, System.out::print, () -> false); // true would stop the answer
        System.out.println();
      }
    }
  }
}
