package bitnet.server;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.generation.BatchSettings;
import bitnet.generation.BatchedModel;
import bitnet.runtime.RuntimeSettings;
import bitnet.server.ServeBenchmark.Result;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// 64 streams at once, a third of which leave in the middle: seconds, or minutes in the soak.
class ServerLoadTest {
  private static final int CLIENTS = 64;

  @TempDir private Path directory;

  @Test
  @EnabledOnOs(OS.LINUX) // reads the resident memory of the process
  void manyStreamsOfWhichAThirdLeaveHarmNobodyAndLeakNothing() throws Exception {
    ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    BatchSettings batching = new BatchSettings(16, 64, 4 << 20);
    ServerSettings.Limits limits = new ServerSettings.Limits(CLIENTS, 0, 1 << 20, 120, 30, 1);
    boolean isSoak = Integer.getInteger("bitnet.hostile.inputs", 2500) > 100_000;
    long seconds = isSoak ? 300 : 5;
    try (BatchedModel model =
            BatchedModel.open(
                TinyModel.write(directory.resolve("model"), 256),
                RuntimeSettings.fastest().withThreads(1),
                batching);
        ApiServer server =
            ApiServer.start(
                new ServerSettings("127.0.0.1", 0, List.of(), "tiny", false, batching, limits),
                line -> {
                  if (line.startsWith("failure") || line.matches("\\S+ \\S+ 500 .*")) {
                    failures.add(line);
                  }
                })) {
      server.serve(model);
      List<Long> resident = new ArrayList<>();
      int left = 0;
      long end = System.nanoTime() + seconds * 1_000_000_000L;
      for (int round = 0; System.nanoTime() < end || round < 2; round++) {
        Result result =
            new ServeBenchmark(CLIENTS, 2 * CLIENTS, 10 + round % 40, 10 + round % 30, 0.33, round)
                .run(server, model);
        left += result.disconnected();
        if (isSoak) {
          System.gc(); // gives memory back, so that what is left is in use
        }
        resident.add(residentKib());
      }
      awaitIdle(server);
      assertThat(failures).isEmpty();
      assertThat(left).isPositive();
      if (isSoak) { // the first rounds fill the heap and the caches
        long first = resident.get(resident.size() / 3);
        assertThat((double) resident.getLast()).as("KiB").isLessThan(1.05 * first);
      }
    }
  }

  private static long residentKib() throws IOException {
    for (String line :
        Files.readAllLines(Path.of("/proc/self/status"), StandardCharsets.ISO_8859_1)) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new AssertionError("no VmRSS");
  }

  private static void awaitIdle(ApiServer server) throws IOException, InterruptedException {
    for (int i = 0; i < 500; i++) {
      try (RawClient client = new RawClient(server.uri())) {
        client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        if (client.read().body().contains("bitnet_sequences_processing 0\n")) {
          return;
        }
      }
      Thread.sleep(20);
    }
    throw new AssertionError("a slot is stuck");
  }
}
