package example;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import bitnet.checkpoint.ModelDirectory;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.tokenizer.Tokenizer;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What an application gets that depends on bitnet-core only: the class path that Maven resolves
/// for the examples of this module, in a JVM with nothing else.
class InferenceClassPathTest {
  private static final long MAX_BYTES = 45_000_000;
  private static final Path CLASSES = Path.of("target/classes").toAbsolutePath();
  private static final Path TEST_CLASSES = Path.of("target/test-classes").toAbsolutePath();

  @TempDir private static Path directory;
  private static Path model;

  /// What a program wrote to its standard output and error, and its exit code.
  private record Run(int exitCode, String output, String errors) {}

  @BeforeAll
  static void makeModel() throws IOException {
    model = directory.resolve("model");
    try (Tokenizer bytes = Tokenizer.byteLevel()) {
      ModelDirectory.writeBlank(
          model,
          LlamaConfig.of(256, 64, 128, 2, 2).withContextLength(256),
          new LatentInitializer(1, 0.05),
          bytes,
          ModelDirectory.Existing.REFUSE,
          parameters -> {});
    }
  }

  /// The entries that Maven resolved, without this module's own classes.
  private static List<Path> dependencies() throws IOException {
    String entries = Files.readString(Path.of("target/class-path")).strip();
    return Arrays.stream(entries.split(File.pathSeparator)).map(Path::of).toList();
  }

  private static long bytes(Path entry) throws IOException {
    try (Stream<Path> files = Files.walk(entry)) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }

  private static Run run(String input, List<Path> classPath, Class<?> main, Object... args)
      throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(System.getProperty("jvm.flags").split(" ")));
    command.add("-cp");
    command.add(String.join(File.pathSeparator, classPath.stream().map(Path::toString).toList()));
    command.add(main.getName());
    Arrays.stream(args).map(Object::toString).forEach(command::add);
    Path in = Files.writeString(directory.resolve("in"), input);
    Path out = directory.resolve("out");
    Path err = directory.resolve("err");
    Process process =
        new ProcessBuilder(command)
            .redirectInput(in.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).as("ended in time").isTrue();
    return new Run(process.exitValue(), Files.readString(out, UTF_8), Files.readString(err, UTF_8));
  }

  private static List<Path> applicationClassPath() throws IOException {
    return Stream.concat(Stream.of(CLASSES), dependencies().stream()).toList();
  }

  @Test
  void hasAtMostFortyFiveMegabytesAndNoLibtorch() throws IOException {
    long total = 0;
    for (Path entry : applicationClassPath()) {
      assertThat(entry).exists();
      assertThat(entry.getFileName().toString()).doesNotContain("pytorch-native", "pytorch-jni");
      total += bytes(entry);
    }
    System.out.printf("class path of an application that runs models: %.1f MB%n", total / 1e6);
    assertThat(total).isBetween(1_000_000L, MAX_BYTES);
  }

  @Test
  void completesAPrompt() throws Exception {
    Run run = run("", applicationClassPath(), Infer.class, model, "ROMEO:");

    assertThat(run.exitCode()).as(run.errors()).isZero();
    assertThat(run.output().strip().lines().toList().getLast())
        .matches("ended by LENGTH, \\d+ tokens/s");
  }

  @Test
  void answersEachLineOfAConversation() throws Exception {
    Run run = run("Hello.\nWho are you?\n", applicationClassPath(), ChatExample.class, model);

    assertThat(run.exitCode()).as(run.errors()).isZero();
    assertThat(run.output()).contains("> ").hasSizeGreaterThan(20);
  }

  @Test
  void namesTheMissingArtifactsInOneLineWhenAskedToTrain() throws Exception {
    List<Path> classPath =
        Stream.concat(Stream.of(TEST_CLASSES), applicationClassPath().stream()).toList();

    Run run = run("", classPath, TrainingWithoutLibtorch.class, model);

    assertThat(run.exitCode()).as(run.errors()).isZero();
    assertThat(run.output().lines().toList()).hasSize(2);
    assertThat(run.output().lines())
        .allSatisfy(
            line ->
                assertThat(line)
                    .startsWith("training and GPUs need libtorch")
                    .contains("ai.djl.pytorch:pytorch-jni:", "ai.djl.pytorch:pytorch-native-cpu:"));
  }
}
