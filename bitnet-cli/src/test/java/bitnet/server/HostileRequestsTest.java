package bitnet.server;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.runtime.RuntimeSettings;
import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Requests that are damaged anywhere: in the request line, a header, the JSON or its framing.
class HostileRequestsTest {
  private static final int MOST = 100_000;
  private static final Set<Integer> EXPECTED =
      Set.of(200, 400, 401, 404, 405, 408, 413, 414, 415, 417, 426, 431, 501, 505);
  private static final List<String> BODIES =
      List.of(
          "{\"prompt\": [\"To be\"], \"max_tokens\": 2, \"n\": 2, \"seed\": 7, \"stop\": [\"q\"],"
              + " \"temperature\": 0.5, \"logprobs\": 2, \"echo\": true, \"stream\": false,"
              + " \"logit_bias\": {\"5\": 1}, \"presence_penalty\": 0.5}",
          "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}], \"max_tokens\": 3,"
              + " \"stream\": true, \"response_format\": {\"type\": \"json_schema\","
              + " \"json_schema\": {\"name\": \"x\", \"schema\": {\"type\": \"array\", \"items\":"
              + " {\"enum\": [1, \"a\"]}, \"minItems\": 1}}}}");

  @TempDir private Path directory;

  @Test
  void everyDamagedRequestIsAnsweredOrItsConnectionClosed() throws Exception {
    ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    BatchSettings batching = new BatchSettings(4, 16, 1 << 20);
    ServerSettings.Limits limits = new ServerSettings.Limits(28, 0, 1 << 20, 60, 2, 1);
    int inputs = Math.min(MOST, Integer.getInteger("bitnet.hostile.inputs", 2500));
    Set<Integer> statuses = new TreeSet<>();
    int closed = 0;
    try (BatchedModel model =
            BatchedModel.open(
                TinyModel.write(directory.resolve("model"), 128),
                RuntimeSettings.fastest().withThreads(1),
                batching);
        ApiServer server =
            ApiServer.start(
                new ServerSettings("127.0.0.1", 0, List.of(), "tiny", false, batching, limits),
                line -> {
                  if (line.startsWith("failure")) {
                    failures.add(line);
                  }
                })) {
      server.serve(model);
      Random random = new Random(12);
      for (int i = 0; i < inputs; i++) {
        byte[] request = mutated(valid(i), random);
        try (RawClient client = new RawClient(server.uri())) {
          client.send(request);
          client.socket().shutdownOutput(); // else the server waits for what is missing
          byte[] answer = client.socket().getInputStream().readAllBytes();
          String text = new String(answer, StandardCharsets.UTF_8);
          if (text.isEmpty()) {
            closed++;
          } else {
            assertThat(text)
                .as(new String(request, StandardCharsets.ISO_8859_1))
                .matches("(?s)HTTP/1\\.[01] \\d{3} .*");
            int status = Integer.parseInt(text.substring(9, 12));
            assertThat(EXPECTED)
                .as("%s\n%s", new String(request, StandardCharsets.ISO_8859_1), text)
                .contains(status);
            statuses.add(status);
          }
        } catch (SocketException reset) {
          closed++;
        }
      }
      assertThat(failures).isEmpty();
      assertThat(statuses).contains(200, 400, 404, 405);
      assertThat(closed).isLessThan(inputs / 2);
      awaitIdle(server);
    }
  }

  private static String valid(int index) {
    String body = BODIES.get(index % BODIES.size());
    String path = index % BODIES.size() == 0 ? "/v1/completions" : "/v1/chat/completions";
    return "POST %s HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: */*\r\nAuthorization: Bearer x\r\n"
            .formatted(path)
        + "Content-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            .formatted(body.length(), body);
  }

  private static byte[] mutated(String request, Random random) {
    StringBuilder text = new StringBuilder(request);
    for (int change = 0; change <= random.nextInt(3) && !text.isEmpty(); change++) {
      int at = random.nextInt(text.length());
      switch (random.nextInt(6)) {
        case 0 -> text.deleteCharAt(at);
        case 1 -> text.insert(at, (char) random.nextInt(256));
        case 2 -> text.setCharAt(at, "{}[]\",:-0e9\r\n ;".charAt(random.nextInt(15)));
        case 3 -> text.insert(at, text.substring(at, Math.min(text.length(), at + 12)));
        case 4 -> text.setLength(Math.max(1, at));
        default -> text.insert(at, "Transfer-Encoding: chunked\r\n");
      }
    }
    return text.toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void awaitIdle(ApiServer server) throws IOException, InterruptedException {
    TreeMap<Integer, String> seen = new TreeMap<>();
    for (int i = 0; i < 500; i++) {
      try (RawClient client = new RawClient(server.uri())) {
        client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        String metrics = client.read().body();
        if (metrics.contains("bitnet_sequences_processing 0\n")) {
          return;
        }
        seen.put(i, metrics);
      }
      Thread.sleep(20);
    }
    throw new AssertionError("a slot is stuck: " + seen.lastEntry());
  }
}
