package bitnet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.tokenizer.ChatTemplate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConversationTextTest {
  private static final String CHATML =
      "{% for message in messages %}[{{ message.role }}\n{{ message.content }}|\n{% endfor %}"
          + "{% if add_generation_prompt %}[assistant\n{% endif %}";

  /// As Qwen3's: of earlier turns the reasoning is left out.
  private static final String FORGETFUL =
      "{% for message in messages %}[{{ message.role }}\n"
          + "{% if message.role == 'assistant' and loop.last %}<think>\n\n"
          + "</think>\n\n"
          + "{% endif %}{{ message.content.split('</think>')[-1].strip() if not loop.last else"
          + " message.content }}|\n"
          + "{% endfor %}{% if add_generation_prompt %}[assistant\n"
          + "{% endif %}";

  /// Asks for an answer with words that it does not record.
  private static final String ASKING =
      "{% for message in messages %}[{{ message.role }}\n{{ message.content }}|\n{% endfor %}"
          + "{% if add_generation_prompt %}[assistant\n<think>{% endif %}";

  @TempDir Path directory;

  /// Bytes as tokens; `|` is the end of text.
  private static int[] encode(String text) {
    int[] tokens = ByteTokens.encode(text);
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = tokens[i] == '|' ? ByteTokens.END : tokens[i];
    }
    return tokens;
  }

  private TextDataset open(String template, LossMask mask, Packing packing, String records)
      throws IOException {
    return TextDataset.open(
        Files.writeString(directory.resolve("chats.jsonl"), records.replace('\'', '"')),
        null,
        BadRecordPolicy.STOP,
        mask,
        packing,
        new TokenEncoding(
            ConversationTextTest::encode,
            OptionalInt.of(ByteTokens.END),
            257,
            new ChatTemplate(template, null, null)),
        directory);
  }

  private String all(String template, String records) throws IOException {
    try (TextDataset dataset = open(template, LossMask.NONE, Packing.STREAM, records)) {
      return ByteTokens.text(dataset.tokens());
    }
  }

  /// What is learned, with `_` for a token that is not.
  private String learned(TokenStream tokens) {
    int[] targets = new int[(int) tokens.size()];
    tokens.copyTargets(0, targets.length, targets, 0);
    StringBuilder text = new StringBuilder();
    for (int target : targets) {
      text.append(
          switch (target) {
            case TokenBatch.NO_TARGET -> '_';
            case ByteTokens.END -> '|';
            default -> (char) target;
          });
    }
    return text.toString();
  }

  private String learned(String template, String records) throws IOException {
    try (TextDataset dataset = open(template, LossMask.NONE, Packing.STREAM, records)) {
      return learned(dataset.tokens());
    }
  }

  private static String message(String role, String content) {
    return "{'role':'%s','content':'%s'}".formatted(role, content);
  }

  private static String record(String... messages) {
    return "{'messages':[" + String.join(",", messages) + "]}\n";
  }

  private static final String TWO_TURNS =
      record(
          message("system", "S"),
          message("user", "one?"),
          message("assistant", "eins"),
          message("user", "two?"),
          message("assistant", "zwei"));

  @Test
  void onlyTheAssistantsTurnsAreLearnedAndTheEndOfTextIsNotRepeated() throws IOException {
    assertThat(all(CHATML, TWO_TURNS))
        .isEqualTo(
            "[system\nS|\n[user\none?|\n[assistant\neins|\n[user\ntwo?|\n[assistant\nzwei|\n");
    assertThat(learned(CHATML, TWO_TURNS))
        .isEqualTo(
            "_".repeat("[system\nS|\n[user\none?|\n[assistant\n".length())
                + "eins|\n"
                + "_".repeat("[user\ntwo?|\n[assistant\n".length())
                + "zwei|\n");
  }

  @Test
  void aTemplateThatForgetsReasoningIsLearnedAsItIsWritten() throws IOException {
    String records =
        record(
            message("user", "one?"),
            message("assistant", "<think>hm</think>eins"),
            message("user", "two?"),
            message("assistant", "zwei"));

    assertThat(learned(FORGETFUL, records))
        .isEqualTo(
            "_".repeat("[user\none?|\n[assistant\n".length())
                + "eins|\n"
                + "_".repeat("[user\ntwo?|\n[assistant\n".length())
                + "<think>\n\n</think>\n\nzwei|\n");
  }

  @Test
  void whereATemplateAsksOtherwiseTheHeaderIsLearnedToo() throws IOException {
    String records = record(message("user", "one?"), message("assistant", "eins"));

    assertThat(learned(ASKING, records))
        .isEqualTo("_".repeat("[user\none?|\n".length()) + "[assistant\neins|\n");
  }

  @Test
  void withoutAnEndOfTextInTheTemplateOneFollows() throws IOException {
    String template = "{% for message in messages %}<{{ message.content }}>{% endfor %}";

    assertThat(all(template, record(message("user", "a"), message("assistant", "b"))))
        .isEqualTo("<a><b>|");
  }

  @Test
  void aTurnOfWeightZeroAndWhatFollowsTheLastTurnAreNotLearned() throws IOException {
    String records =
        record(
            message("user", "one?"),
            "{'role':'assistant','content':'uno','weight':0}",
            message("user", "no"),
            "{'role':'assistant','content':[{'type':'text','text':'ei'},"
                + "{'type':'text','text':'ns'}],'weight':1}",
            message("user", "ok"));

    assertThat(learned(CHATML, records))
        .isEqualTo(
            "_".repeat("[user\none?|\n[assistant\nuno|\n[user\nno|\n[assistant\n".length())
                + "eins|\n"
                + "_".repeat("[user\nok|\n".length()));
  }

  @Test
  void textsBeforeConversationsStayLearnedAndTakeFourBytesATokenFromThere() throws IOException {
    String text = "{'text':'plain'}\n";
    String chat = record(message("user", "a"), message("assistant", "b"));

    assertThat(learned(CHATML, text + chat + text))
        .isEqualTo("plain|" + "_".repeat("[user\na|\n[assistant\n".length()) + "b|\nplain|");
  }

  @Test
  void conversationsStayWholeInWindows() throws IOException {
    String chat = record(message("user", "a"), message("assistant", "b"));
    try (TextDataset dataset =
        open(CHATML, LossMask.NONE, Packing.RECORDS, chat + TWO_TURNS + chat)) {
      assertThat(dataset.tokens().records()).isEqualTo(3);
      assertThat(dataset.report().lengths().summary(30))
          .isEqualTo("23 to 69 tokens, median 23, 99% of at most 69; 1 longer than 30");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '%',
      quoteCharacter = '`',
      value = {
        "{'messages':[]} % the field \"messages\" is not a list of messages",
        "{'messages':'hi'} % the field \"messages\" is not a list of messages",
        "{'messages':[{'role':'user','content':'a'}]} % no message of the assistant",
        "{'messages':[{'role':'tool','content':'a'}]} % message 1 has no \"role\" of system, user",
        "{'messages':[7]} % message 1 has no \"role\"",
        "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':null,"
            + "'tool_calls':[1]}]} % message 2 has \"tool_calls\"",
        "{'messages':[{'role':'user'}]} % message 1 has no text in \"content\"",
        "{'messages':[{'role':'user','content':[{'type':'image_url'}]}]} % part that is not text",
        "{'messages':[{'role':'assistant','content':'a','weight':0.5}]} % \"weight\" other than",
      })
  void aBadConversationIsRefusedWithItsPlace(String record, String reason) {
    assertThatThrownBy(() -> open(CHATML, LossMask.NONE, Packing.STREAM, record + "\n"))
        .isInstanceOf(BadRecordException.class)
        .hasMessageContaining("chats.jsonl:1")
        .hasMessageContaining(reason);
  }

  @Test
  void theReasonOfATemplateThatRefusesIsGiven() {
    String template = "{{ raise_exception('roles must alternate') }}";

    assertThatThrownBy(() -> open(template, LossMask.NONE, Packing.STREAM, TWO_TURNS))
        .isInstanceOf(BadRecordException.class)
        .hasMessageContaining("roles must alternate");
  }

  @Test
  void aTurnThatIsWrittenOtherwiseOnceOthersFollowIsRefused() {
    String template =
        "{% for message in messages %}{% if loop.last or message.role == 'user' %}"
            + "{{ message.content }}{% else %}...{% endif %}{% endfor %}";

    assertThatThrownBy(() -> open(template, LossMask.NONE, Packing.STREAM, TWO_TURNS))
        .isInstanceOf(BadRecordException.class)
        .hasMessageContaining("writes message 3 otherwise once others follow");
  }
}
