package bitnet.server;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.runtime.RuntimeSettings;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Calls of tools, by a model with random weights that can only call what it is offered.
class ToolsTest {
  private static final String HERMES =
      "{% if tools %}{{ tools | tojson }} call as <tool_call></tool_call>\n{% endif %}"
          + "{% for m in messages %}{{ m.role }}: {{ m.content }}{% if m.tool_calls %}"
          + "{{ m.tool_calls[0].function.arguments.city }}{% endif %}\n{% endfor %}";
  private static final String LLAMA =
      "{% if tools is not none %}{{ tools | tojson }} name and parameters\n{% endif %}"
          + "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";
  private static final String TOOLS =
      """
      [{"type": "function", "function": {"name": "weather", "parameters": {
          "type": "object", "required": ["city"], "additionalProperties": false,
          "properties": {"city": {"$ref": "#/$defs/city"}},
          "$defs": {"city": {"enum": ["Bern", "Oslo"]}}}}},
       {"type": "function", "function": {"name": "now", "parameters": {
          "type": "object", "properties": {"zone": {"type": "integer"}}, "required": ["zone"]}}}]
      """;

  @TempDir private static Path directory;
  private static BatchedModel hermes;
  private static BatchedModel llama;
  private static ApiServer hermesServer;
  private static ApiServer llamaServer;

  @BeforeAll
  static void start() throws IOException {
    hermes = open("hermes", HERMES);
    llama = open("llama", LLAMA);
    hermesServer = serve(hermes);
    llamaServer = serve(llama);
  }

  private static BatchedModel open(String name, String template) throws IOException {
    return BatchedModel.open(
        TinyModel.write(directory.resolve(name), 2048, template),
        RuntimeSettings.fastest().withThreads(1),
        new BatchSettings(4, 16, 0));
  }

  private static ApiServer serve(BatchedModel model) throws IOException {
    ServerSettings.Limits limits = new ServerSettings.Limits(8, 0, 1 << 20, 60, 5, 1);
    BatchSettings batching = new BatchSettings(4, 16, 0);
    ApiServer server =
        ApiServer.start(
            new ServerSettings("127.0.0.1", 0, List.of(), "tiny", false, batching, limits),
            line -> {});
    server.serve(model);
    return server;
  }

  @AfterAll
  static void stop() {
    hermesServer.close();
    llamaServer.close();
    hermes.close();
    llama.close();
  }

  private static RawClient.Answer ask(ToolStyle style, String fields) throws IOException {
    ApiServer server = style == ToolStyle.HERMES ? hermesServer : llamaServer;
    try (RawClient client = new RawClient(server.uri())) {
      client.post(
          "/v1/chat/completions",
          "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}], \"max_tokens\": 400, %s}"
              .formatted(fields));
      return client.read();
    }
  }

  private static JsonNode json(RawClient.Answer answer, int status) throws IOException {
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    return RequestBody.JSON.readTree(answer.body());
  }

  @ParameterizedTest
  @EnumSource(ToolStyle.class)
  void aCallThatIsRequiredHasArgumentsOfItsSchema(ToolStyle style) throws IOException {
    boolean[] called = new boolean[2];
    for (int seed = 0; seed < 20; seed++) {
      JsonNode choice =
          json(
                  ask(
                      style,
                      "\"tools\": %s, \"tool_choice\": \"required\", \"seed\": %d"
                          .formatted(TOOLS, seed)),
                  200)
              .at("/choices/0");
      assertThat(choice.path("finish_reason").asText()).isEqualTo("tool_calls");
      assertThat(choice.at("/message/content").isNull()).isTrue();
      assertThat(choice.at("/message/tool_calls")).hasSize(1);
      JsonNode call = choice.at("/message/tool_calls/0");
      assertThat(call.path("id").asText()).startsWith("call_");
      assertThat(call.path("type").asText()).isEqualTo("function");
      JsonNode arguments = RequestBody.JSON.readTree(call.at("/function/arguments").textValue());
      if (call.at("/function/name").asText().equals("weather")) {
        called[0] = true;
        assertThat(arguments.path("city").asText()).isIn("Bern", "Oslo");
      } else {
        called[1] = true;
        assertThat(call.at("/function/name").asText()).isEqualTo("now");
        assertThat(arguments.path("zone").isIntegralNumber()).isTrue();
      }
      assertThat(arguments).hasSize(1);
    }
    assertThat(called).containsExactly(true, true);
  }

  @ParameterizedTest
  @EnumSource(ToolStyle.class)
  void aStreamHasTheCallOfTheWholeAnswer(ToolStyle style) throws IOException {
    String fields =
        "\"tools\": %s, \"tool_choice\": {\"type\": \"function\", \"function\": {\"name\":"
            + " \"weather\"}}, \"seed\": 3, \"stream\": %s";
    JsonNode whole = json(ask(style, fields.formatted(TOOLS, false)), 200);
    RawClient.Answer answer = ask(style, fields.formatted(TOOLS, true));

    List<JsonNode> calls =
        answer
            .body()
            .lines()
            .filter(line -> line.startsWith("data: {"))
            .map(ToolsTest::delta)
            .filter(delta -> delta.has("tool_calls"))
            .collect(Collectors.toList());
    assertThat(calls).hasSize(1);
    JsonNode call = calls.getFirst().at("/tool_calls/0");
    assertThat(call.path("index").asInt()).isZero();
    assertThat(call.path("function"))
        .isEqualTo(whole.at("/choices/0/message/tool_calls/0/function"));
    assertThat(answer.body()).contains("\"finish_reason\":\"tool_calls\"").doesNotContain("<tool");
  }

  private static JsonNode delta(String line) {
    try {
      return RequestBody.JSON.readTree(line.substring("data: ".length())).at("/choices/0/delta");
    } catch (IOException damaged) {
      throw new AssertionError(damaged);
    }
  }

  @Test
  void aConversationWithCallsAndTheirResultsIsWrittenByTheTemplate() throws IOException {
    JsonNode answer;
    try (RawClient client = new RawClient(hermesServer.uri())) {
      client.post(
          "/v1/chat/completions",
          """
          {"max_tokens": 1, "tools": %s, "messages": [
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type":
              "function", "function": {"name": "weather", "arguments": "{\\"city\\": \\"Bern\\"}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]}
          """
              .formatted(TOOLS));
      answer = json(client.read(), 200);
    }
    String text =
        "user: Weather?\nassistant: Bern\ntool: sunny\n"; // after the tools, as Python writes them
    int tokens = answer.at("/usage/prompt_tokens").asInt();
    assertThat(tokens).isGreaterThan(hermes.tokenizer().encode(text).length + 50);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"tools\": [{\"type\": \"retrieval\"}] | tools",
        "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a b\"}}] | tools",
        "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a\", \"strict\": true,"
            + " \"parameters\": {\"type\": \"string\", \"pattern\": \"x\"}}}] | tools",
        "\"tool_choice\": \"required\" | tool_choice",
        "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a\"}}], \"tool_choice\":"
            + " {\"type\": \"function\", \"function\": {\"name\": \"b\"}} | tool_choice",
        "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a\"}}],"
            + " \"response_format\": {\"type\": \"json_object\"} | response_format",
        "\"functions\": [{\"name\": \"a\"}] | functions",
        "\"chat_template_kwargs\": 5 | chat_template_kwargs",
      })
  void whatCannotBeHonouredIsRefused(String fields, String param) throws IOException {
    assertThat(json(ask(ToolStyle.HERMES, fields), 400).at("/error/param").asText())
        .isEqualTo(param);
  }

  private static ToolCalls parse(ToolStyle style, String text) {
    return ToolCalls.parse(tools(style), text);
  }

  private static Tools tools(ToolStyle style) {
    RequestBody body =
        RequestBody.parse("{\"tools\": %s}".formatted(TOOLS).getBytes(StandardCharsets.UTF_8));
    BatchedModel model = style == ToolStyle.HERMES ? hermes : llama;
    return Tools.of(body, model, new ResponseFormats(model)).orElseThrow();
  }

  @Test
  void callsAreFoundInTextsOfBothStyles() {
    ToolCalls several =
        parse(
            ToolStyle.HERMES,
            """
            Let me see.
            <tool_call>
            {"name": "now", "arguments": {"zone": 1}}
            </tool_call>
            <tool_call>{"name":"weather","arguments":{"city":"Bern"}}</tool_call>\
            """);
    assertThat(several.content()).isEqualTo("Let me see.");
    assertThat(several.calls())
        .containsExactly(
            new ToolCalls.Call("now", "{\"zone\":1}"),
            new ToolCalls.Call("weather", "{\"city\":\"Bern\"}"));
    assertThat(parse(ToolStyle.LLAMA, "{\"name\": \"now\", \"parameters\": {\"zone\": 1}}").calls())
        .containsExactly(new ToolCalls.Call("now", "{\"zone\":1}"));
    for (String text :
        List.of(
            "no call",
            "<tool_call>not JSON</tool_call>",
            "<tool_call>{\"name\": \"other\", \"arguments\": {}}</tool_call>",
            "{\"name\": \"now\", \"parameters\": 5}")) {
      for (ToolStyle style : ToolStyle.values()) {
        assertThat(parse(style, text)).isEqualTo(new ToolCalls(text, List.of()));
      }
    }
  }

  @Test
  void aStreamShowsTextAtOnceAndHoldsBackWhatMayBeACall() {
    ToolForm form =
        new ToolForm(
            new ChatForm(new TokenNames(hermes.tokenizer()), false), tools(ToolStyle.HERMES));
    StringBuilder shown = new StringBuilder();
    String text = "a <tool b <tool_call>{\"name\":\"now\",\"arguments\":{\"zone\":1}}</tool_call>";
    for (int i = 0; i < text.length(); i++) {
      String piece = text.substring(i, i + 1);
      shown.append(form.chunk(0, piece, List.of(), null).at("/delta/content").asText());
    }
    JsonNode last = form.chunk(0, "", List.of(), "stop");

    assertThat(shown).hasToString("a <tool b ");
    assertThat(last.at("/delta/tool_calls/0/function/name").asText()).isEqualTo("now");
    assertThat(last.path("finish_reason").asText()).isEqualTo("tool_calls");
  }
}
