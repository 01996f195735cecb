package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// A Master and two Workers of Spark in processes of their own, started as docs/spark.md says.
final class StandaloneCluster {
  private static final Path DOCUMENT = Path.of("../../docs/spark.md");
  private static final long READY_MILLIS = 120_000;

  private final Path directory;
  private final int port;
  private final List<Process> processes = new ArrayList<>();

  /// @param directory for logs and for what executors write
  StandaloneCluster(Path directory) throws IOException, InterruptedException {
    this.directory = directory;
    try (ServerSocket free = new ServerSocket(0)) {
      this.port = free.getLocalPort();
    }
    start("master", "org.apache.spark.deploy.master.Master", "I have been elected leader");
    for (int worker = 1; worker <= 2; worker++) {
      start(
          "worker" + worker,
          "org.apache.spark.deploy.worker.Worker",
          "Successfully registered with master");
    }
  }

  String url() {
    return "spark://127.0.0.1:" + port;
  }

  private void start(String name, String main, String ready)
      throws IOException, InterruptedException {
    Path log = directory.resolve(name + ".log");
    ProcessBuilder builder =
        new ProcessBuilder(command(name, main))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    Path home = directory.resolve("home");
    Files.createDirectories(home.resolve("jars"));
    builder.environment().put("SPARK_HOME", home.toString());
    Process process = builder.start();
    processes.add(process);
    long end = System.currentTimeMillis() + READY_MILLIS;
    while (!Files.readString(log).contains(ready)) {
      assertThat(process.isAlive() && System.currentTimeMillis() < end)
          .as(Files.readString(log))
          .isTrue();
      Thread.sleep(50);
    }
  }

  /// The line of the document with this test's places in it.
  private List<String> command(String name, String main) throws IOException {
    Matcher line =
        Pattern.compile("(?m)^java -cp \"\\$CP\" (" + Pattern.quote(main) + " .*)$")
            .matcher(Files.readString(DOCUMENT));
    assertThat(line.find()).isTrue();
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx384m",
                "-Dorg.slf4j.simpleLogger.log.org.apache.spark=info",
                "-Dspark.master.rest.enabled=false",
                "-cp",
                System.getProperty("java.class.path")));
    Stream.of(line.group(1).split(" "))
        .map(word -> word.replace("7077", Integer.toString(port)))
        .map(word -> word.equals("work") ? directory.resolve(name).toString() : word)
        .forEach(command::add);
    return command;
  }

  /// Kills an executor, as `kill -9` does, as soon as a condition holds.
  Thread killOneWhen(Callable<Boolean> condition) {
    return Thread.ofPlatform()
        .start(
            () -> {
              try {
                while (!condition.call()) {
                  Thread.sleep(5);
                }
                killOneIf(true);
              } catch (Exception failure) {
                throw new IllegalStateException(failure);
              }
            });
  }

  /// Kills an executor, as `kill -9` does, if a condition holds.
  void killOneIf(boolean condition) {
    if (condition) {
      processes.stream().flatMap(Process::children).findFirst().orElseThrow().destroyForcibly();
    }
  }

  void stop() throws InterruptedException {
    for (Process process : processes.reversed()) {
      process.destroy();
      process.waitFor();
    }
  }
}
