package bitnet.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Qwen's tokenizer and chat template against those of transformers.
class QwenTokenizerTest {
  private static final Path FIXTURE = Path.of("src/test/resources/fixtures/families/tokenizer");
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @TempDir private Path directory;

  private static void assertSameTokens(Tokenizer tokenizer, String expected) throws IOException {
    JsonNode cases = MAPPER.readTree(FIXTURE.resolve(expected).toFile());
    assertThat(cases).hasSizeGreaterThan(10);
    for (JsonNode each : cases) {
      String text = each.path("text").asText();
      int[] ids = MAPPER.convertValue(each.path("ids"), int[].class);
      assertThat(tokenizer.encode(text)).as(text).isEqualTo(ids);
      if (each.has("ids_special")) {
        int[] special = MAPPER.convertValue(each.path("ids_special"), int[].class);
        assertThat(tokenizer.encodeWithSpecialTokens(text)).as(text).isEqualTo(special);
      }
      if (each.has("decoded_skip_special")) {
        assertThat(tokenizer.decode(ids))
            .as(text)
            .isEqualTo(each.path("decoded_skip_special").asText());
      }
    }
  }

  private Tokenizer tokenizer(String file) throws IOException {
    Path target = directory.resolve("tokenizer.json");
    Files.copy(FIXTURE.resolve(file), target);
    return Tokenizer.load(target);
  }

  @ParameterizedTest
  @CsvSource({
    "tokenizer.json, expected.json, qwen2",
    "tokenizer-qwen35.json, expected-qwen35.json, qwen35"
  })
  void tokensAreThoseOfTransformersAlsoByWayOfTheListsOfGguf(
      String file, String expected, String splitting) throws IOException {
    try (Tokenizer tokenizer = tokenizer(file)) {
      assertSameTokens(tokenizer, expected);
      TokenTable table = TokenTable.of(tokenizer);
      assertThat(table.splitting()).isEqualTo(splitting);
      assertThat(table.composed()).isTrue();
      assertThat(table.lostInGguf()).singleElement().asString().contains("NFC");
      try (Tokenizer again = table.tokenizer("again")) {
        assertSameTokens(again, expected);
      }
    }
  }

  @Test
  void conversationsRenderAsInTransformersWithToolsAndThoughts() throws IOException {
    ChatTemplate template =
        new ChatTemplate(Files.readString(FIXTURE.resolve("chat_template.jinja")), null, null);
    int rendered = 0;
    int refused = 0;
    for (JsonNode each : MAPPER.readTree(FIXTURE.resolve("chat.json").toFile())) {
      Map<String, JsonNode> variables = new HashMap<>();
      each.path("options").properties().forEach(it -> variables.put(it.getKey(), it.getValue()));
      variables.put("tools", each.path("tools"));
      boolean answerNext = each.at("/options/add_generation_prompt").asBoolean();
      if (each.has("text")) {
        assertThat(template.render(each.path("messages"), variables, answerNext))
            .as(each.toString())
            .isEqualTo(each.path("text").asText());
        rendered++;
      } else {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> template.render(each.path("messages"), variables, answerNext))
            .withMessageStartingWith("the chat template refuses this conversation: ");
        refused++;
      }
    }
    assertThat(rendered).isGreaterThanOrEqualTo(12);
    assertThat(rendered + refused).isEqualTo(14);
  }

  /// What `chat` and `serve` do: thoughts in an earlier answer are left out, by the template.
  @Test
  void aConversationOfTextsRendersAsInTransformers() throws IOException {
    Files.copy(FIXTURE.resolve("tokenizer.json"), directory.resolve("tokenizer.json"));
    Files.copy(
        FIXTURE.resolve("tokenizer_config.json"), directory.resolve("tokenizer_config.json"));
    Files.copy(FIXTURE.resolve("chat_template.jinja"), directory.resolve("chat_template.jinja"));
    ChatTemplate template = ChatTemplate.load(directory).orElseThrow();
    int compared = 0;
    try (Tokenizer tokenizer = Tokenizer.load(directory)) {
      for (JsonNode each : MAPPER.readTree(FIXTURE.resolve("chat.json").toFile())) {
        List<ChatTemplate.Message> messages = new ArrayList<>();
        boolean plain = each.has("text") && each.path("tools").isNull();
        plain &= !each.path("options").has("enable_thinking");
        for (JsonNode message : each.path("messages")) {
          plain &= message.size() == 2 && message.path("content").isTextual();
          messages.add(
              new ChatTemplate.Message(
                  message.path("role").asText(), message.path("content").asText()));
        }
        if (plain) {
          boolean answerNext = each.path("options").path("add_generation_prompt").asBoolean();
          String text = template.render(messages, answerNext);
          assertThat(text).isEqualTo(each.path("text").asText());
          int[] ids = MAPPER.convertValue(each.path("ids"), int[].class);
          assertThat(tokenizer.encode(text)).isEqualTo(ids);
          compared++;
        }
      }
    }
    assertThat(compared).isGreaterThanOrEqualTo(3);
  }
}
