package bitnet.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import bitnet.tokenizer.ChatTemplate.Message;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
  private static final Path CASES = Path.of("src/test/resources/fixtures/chat/templates.json");
  private static final Path CONSTRUCTS =
      Path.of("src/test/resources/fixtures/chat/constructs.json");

  @TempDir private Path directory;

  private static List<Message> messages(JsonNode list) {
    List<Message> messages = new ArrayList<>();
    for (JsonNode each : list) {
      messages.add(new Message(each.path("role").asText(), each.path("content").asText()));
    }
    return messages;
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-2", "llama-3", "mistral", "bitnet-2b4t", "namespace"})
  void aTemplateRendersAsInPython(String name) throws IOException {
    JsonNode root = new ObjectMapper().readTree(CASES.toFile());
    ChatTemplate template =
        new ChatTemplate(root.path("templates").path(name).asText(), "<s>", "</s>");
    int compared = 0;
    for (JsonNode each : root.path("cases")) {
      if (each.path("template").asText().equals(name)) {
        List<Message> messages = messages(each.path("messages"));
        boolean answerNext = each.path("add_generation_prompt").asBoolean();
        if (each.has("text")) {
          assertThat(template.render(messages, answerNext)).isEqualTo(each.path("text").asText());
        } else {
          assertThatIllegalArgumentException()
              .isThrownBy(() -> template.render(messages, answerNext))
              .withMessage(
                  "the chat template refuses this conversation: " + each.path("refusal").asText());
        }
        compared++;
      }
    }
    assertThat(compared).isEqualTo(6);
  }

  static List<Arguments> constructs() throws IOException {
    List<Arguments> cases = new ArrayList<>();
    for (JsonNode each : new ObjectMapper().readTree(CONSTRUCTS.toFile()).path("cases")) {
      String source = each.path("template").asText();
      String name = source.lines().findFirst().orElse("");
      cases.add(
          argumentSet(
              name.substring(0, Math.min(60, name.length())),
              source,
              messages(each.path("messages")),
              each.path("text").asText()));
    }
    return cases;
  }

  @ParameterizedTest
  @MethodSource("constructs")
  void aConstructGivesTheTextThatPythonGives(String source, List<Message> messages, String text) {
    assertThat(new ChatTemplate(source, "<s>", "</s>").render(messages, true)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '!',
      quoteCharacter = '"',
      textBlock =
          """
          {% block a %}x{% endblock %} ! {% block %}
          {% call f() %}x{% endcall %} ! {% call %}
          {% autoescape true %}x{% endautoescape %} ! {% autoescape %}
          {% for m in messages recursive %}{% endfor %} ! a recursive loop
          {{ messages | groupby('role') }} ! the filter groupby
          {{ messages | pprint }} ! the filter pprint
          {{ 'x' | urlize }} ! the filter urlize
          {{ messages is filter }} ! the test filter
          {{ lipsum() }} ! the function lipsum
          {{ '%s' % 'x' }} ! % between str and str
          {{ 'x'.encode() }} ! str.encode
          {{ messages.append(1) }} ! list.append
          {{ messages[0].update({'a': 1}) }} ! dict.update
          {{ messages | map('upper') }} ! printing of generator
          {{ 'a<b' | e + 'x' }} ! + between Markup and str
          {{ f(*messages) }} ! an argument with *
          {{ 9223372036854775807 + 1 }} ! a number beyond 64 bits
          {{ strftime_now('%c') }} ! strftime_now with %c
          {{ 'aba'.find('a', 1) }} ! find with 2 arguments
          {{ -(-9223372036854775807 - 1) }} ! a number beyond 64 bits
          """)
  void whatIsNotSupportedIsRefusedByName(String source, String construct) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> render(source))
        .withMessageContaining(construct + " is not supported");
  }

  /// As in Python, whose built-in methods have no names for these parameters.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ range(start=3) }}",
        "{{ range(1, stop=3) }}",
        "{{ 'ab'.startswith(prefix='a') }}",
        "{{ ','.join(iterable=['a']) }}",
        "{{ messages[0].get(key='role') }}",
        "{{ [1].index(value=1) }}",
      })
  void namedArgumentsOfBuiltInMethodsAreRefused(String source) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> render(source))
        .withMessageContaining("takes no keyword arguments");
  }

  @Test
  @Timeout(10)
  void hugeNumbersCostNoTime() {
    assertThat(render("{{ 1.25 | round(2000000000) }} {{ 1.25 | round(-2000000000) }}"))
        .isEqualTo("1.25 0.0");
    assertThat(render("{{ 7 | round(-2000000000) }}")).isEqualTo("0");
    assertThat(render("{{ [] * 9223372036854775807 }}{{ [1] * -3 }}")).isEqualTo("[][]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'a' * 99999999 }}",
        "{{ range(1000000000) }}",
        "{{ [1] * 99999999 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      })
  void aTemplateWithoutEndIsStopped(String source) {
    assertThatIllegalArgumentException().isThrownBy(() -> render(source));
  }

  @Test
  void nestingIsBounded() {
    for (String source :
        List.of(
            "{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}",
            "{{ " + "not ".repeat(100_000) + "1 }}",
            "{{ " + "-".repeat(100_000) + "1 }}",
            "{% if 1 %}".repeat(100_000),
            "{{ 1" + "+1".repeat(100_000) + " }}")) {
      assertThatIllegalArgumentException().isThrownBy(() -> render(source));
    }
  }

  private static String render(String source) {
    return new ChatTemplate(source, null, null).render(List.of(new Message("user", "Hi")), true);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% include 'bitnet/tokenizer/default-tokenizer.json' %}",
        "{% import '/etc/passwd' as x %}",
        "{{ messages.getClass().forName('java.lang.Runtime') }}",
        "{{ ''.getClass() }}",
        "{% for i in messages %}",
        "{{ undefined_function(1) }}",
        "{{ messages[0] ",
      })
  void whatATemplateMustNotDoOrCannotDoIsRefusedInOneLine(String source) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> render(source))
        .withMessageStartingWith("the chat template does not render: ")
        .satisfies(failure -> assertThat(failure.getMessage()).doesNotContain("\n"));
  }

  @Test
  void aTemplateThatPrintsWithoutEndIsStopped() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                render(
                    "{% set x = 'aaaaaaaaaaaaaaaa' %}"
                        + "{% set x = x ~ x ~ x ~ x ~ x ~ x ~ x ~ x %}".repeat(12)
                        + "{{ x }}"));
  }

  @Test
  void aFileOfItsOwnRulesOverTheConfigAndTokensMayBeObjects() throws IOException {
    assertThat(ChatTemplate.load(directory)).isEmpty();
    Path config = directory.resolve("tokenizer_config.json");
    Files.writeString(
        config,
        """
        {"bos_token": {"content": "<s>", "special": true}, "eos_token": null,
         "chat_template": [{"name": "tool_use", "template": "tools"},
                           {"name": "default", "template": "{{ bos_token }}config"}]}
        """);
    List<Message> none = List.of();
    assertThat(ChatTemplate.load(directory).orElseThrow().render(none, false))
        .isEqualTo("<s>config");
    Files.writeString(directory.resolve("chat_template.jinja"), "{{ bos_token }}own");
    assertThat(ChatTemplate.load(directory).orElseThrow().render(none, false)).isEqualTo("<s>own");
  }

  @Test
  void aTokenizerKeepsTheTemplateItCameWith() throws IOException {
    Path copy = directory.resolve("copy");
    try (Tokenizer tokenizer = Tokenizer.bundled()) {
      assertThat(tokenizer.chatTemplate()).isEmpty();
      tokenizer.save(directory);
    }
    Files.writeString(directory.resolve("chat_template.jinja"), "{{ eos_token }}");
    try (Tokenizer tokenizer = Tokenizer.load(directory)) {
      tokenizer.save(copy);
    }
    try (Tokenizer tokenizer = Tokenizer.load(copy)) {
      assertThat(tokenizer.chatTemplate().orElseThrow().render(List.of(), false))
          .isEqualTo("<|endoftext|>");
    }
  }

  @Test
  void aDamagedTemplateIsNamed() throws IOException {
    Files.writeString(directory.resolve("tokenizer_config.json"), "{\"chat_template\": 7}");
    assertThatIOException()
        .isThrownBy(() -> ChatTemplate.load(directory))
        .withMessageContainingAll("tokenizer_config.json", "chat_template is neither a text");
    Files.write(directory.resolve("chat_template.jinja"), new byte[] {(byte) 0xff});
    assertThatIOException()
        .isThrownBy(() -> ChatTemplate.load(directory))
        .withMessageContainingAll("chat_template.jinja", "is not UTF-8");
    Files.write(directory.resolve("chat_template.jinja"), new byte[(1 << 20) + 1]);
    assertThatIOException()
        .isThrownBy(() -> ChatTemplate.load(directory))
        .withMessageContaining("1048577 bytes are more than a chat template can have");
  }
}
