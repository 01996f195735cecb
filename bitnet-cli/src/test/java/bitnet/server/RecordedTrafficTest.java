package bitnet.server;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.runtime.RuntimeSettings;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Requests as clients sent them, header by header, recorded with a server whose answers these
/// clients read: openai in Python, Node and Java, LangChain4j, Spring AI and
/// lm-evaluation-harness. Every field that they were given must be there, of a type that they were
/// given.
class RecordedTrafficTest {
  private static final Path TRAFFIC = Path.of("src/test/resources/server-traffic");

  /// Strings that may be null, in OpenAI's API and in what lm-evaluation-harness asks for.
  private static final Set<String> IS_OR_IS_NULL =
      Set.of("bos_token", "chat_template", "error.code", "error.param");

  @TempDir private static Path directory;
  private static BatchedModel model;
  private static ApiServer server;

  @BeforeAll
  static void start() throws IOException {
    BatchSettings batching = new BatchSettings(4, 16, 4 << 20);
    model =
        BatchedModel.open(
            TinyModel.write(directory.resolve("model"), 1024),
            RuntimeSettings.exact().withThreads(1),
            batching);
    ServerSettings.Limits limits = new ServerSettings.Limits(32, 0, 16 << 20, 60, 5, 1);
    server =
        ApiServer.start(
            new ServerSettings("127.0.0.1", 0, List.of(), "org/fake", false, batching, limits),
            line -> {});
    server.serve(model);
  }

  @AfterAll
  static void stop() {
    server.close();
    model.close();
  }

  static List<String> clients() throws IOException {
    try (Stream<Path> files = Files.list(TRAFFIC)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("clients")
  void everyFieldThatAClientWasGivenIsThere(String client) throws IOException {
    JsonNode exchanges = RequestBody.JSON.readTree(TRAFFIC.resolve(client).toFile());
    assertThat(exchanges).isNotEmpty();
    for (JsonNode exchange : exchanges) {
      try (RawClient raw = new RawClient(server.uri())) {
        raw.send(request(exchange));
        RawClient.Answer answer = raw.read();
        String about = "%s: %s %s".formatted(client, exchange.path("request"), answer);
        assertThat(answer.status()).as(about).isEqualTo(exchange.path("status").asInt());
        boolean streamed = exchange.path("stream").booleanValue();
        assertThat(answer.hasHeader("Content-Type", "text/event-stream"))
            .as(about)
            .isEqualTo(streamed);
        Map<String, Set<String>> ours = new TreeMap<>();
        for (JsonNode document : documents(answer.body(), streamed)) {
          addFields(document, "", ours);
        }
        for (Map.Entry<String, JsonNode> field : exchange.path("fields").properties()) {
          List<String> types = new ArrayList<>();
          field.getValue().forEach(type -> types.add(type.textValue()));
          assertThat(ours).as(about).containsKey(field.getKey());
          if (exchange.path("cut").booleanValue()) {
            continue; // the recording ends before the answer: its types are not all
          }
          Set<String> given = new TreeSet<>(ours.getOrDefault(field.getKey(), Set.of()));
          if (IS_OR_IS_NULL.contains(field.getKey())) {
            given.removeAll(List.of("null", "string"));
          }
          assertThat(types).as("%s in %s", field.getKey(), about).containsAll(given);
        }
      }
    }
  }

  /// The recorded head with the length of the body, which was not recorded byte by byte.
  private static byte[] request(JsonNode exchange) throws IOException {
    JsonNode recorded = exchange.path("body");
    byte[] body =
        recorded.isTextual() // "<24000108 bytes>"
            ? new byte[Integer.parseInt(recorded.textValue().replaceAll("\\D", ""))]
            : recorded.isNull() ? new byte[0] : RequestBody.JSON.writeValueAsBytes(recorded);
    StringBuilder head = new StringBuilder(exchange.path("request").textValue()).append("\r\n");
    for (JsonNode header : exchange.path("headers")) {
      String name = header.get(0).textValue();
      String value = header.get(1).textValue();
      head.append(name)
          .append(": ")
          .append(name.equalsIgnoreCase("Content-Length") ? String.valueOf(body.length) : value)
          .append("\r\n");
    }
    byte[] start = head.append("\r\n").toString().getBytes(StandardCharsets.UTF_8);
    if (recorded.isTextual()) {
      return start; // refused by its length
    }
    byte[] all = new byte[start.length + body.length];
    System.arraycopy(start, 0, all, 0, start.length);
    System.arraycopy(body, 0, all, start.length, body.length);
    return all;
  }

  private static List<JsonNode> documents(String body, boolean streamed) throws IOException {
    if (!streamed) {
      return List.of(RequestBody.JSON.readTree(body));
    }
    assertThat(body).endsWith("data: [DONE]\n\n");
    List<JsonNode> documents = new ArrayList<>();
    for (String line : body.lines().filter(line -> line.startsWith("data: {")).toList()) {
      documents.add(RequestBody.JSON.readTree(line.substring("data: ".length())));
    }
    return documents;
  }

  /// The path of each field and the types that it has, in the form of the recordings: the keys of
  /// log-probabilities by token are `*`.
  private static void addFields(JsonNode node, String path, Map<String, Set<String>> fields) {
    if (!path.isEmpty()) {
      String type = node.getNodeType().name().toLowerCase(Locale.ROOT);
      fields.computeIfAbsent(path, each -> new TreeSet<>()).add(type);
    }
    boolean isByToken = path.endsWith("top_logprobs[]") && !node.has("token");
    for (Map.Entry<String, JsonNode> each : node.properties()) {
      String name = isByToken ? "*" : each.getKey();
      addFields(each.getValue(), path.isEmpty() ? name : path + "." + name, fields);
    }
    if (node.isArray()) {
      node.forEach(element -> addFields(element, path + "[]", fields));
    }
  }
}
