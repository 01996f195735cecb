package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.format.CheckpointException;
import bitnet.format.Mutation;
import bitnet.format.safetensors.TensorStore;
import bitnet.model.TensorSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Files from strangers: each is read or refused, in one way, with bounded time and memory.
class HostileInputTest {
  private static final Path FIXTURES = Path.of("src/test/resources/fixtures");
  private static final String CONFIG = "config.json";
  private static final String MODEL = "model.safetensors";

  @TempDir private Path directory;

  private static byte[] fixture(String name) throws IOException {
    return Files.readAllBytes(FIXTURES.resolve(name));
  }

  /// As a new file, because some file systems flush one that is truncated and written again.
  private Path replace(String name, byte[] content) throws IOException {
    Files.deleteIfExists(directory.resolve(name));
    return Files.write(directory.resolve(name), content);
  }

  /// Feeds mutations of a file to a reader.
  ///
  /// @param name the file that is mutated
  /// @param seed what is mutated
  /// @param reach how many of its first bytes are
  /// @param otherBytes the size of the files beside it
  private int accepted(String name, byte[] seed, int reach, long otherBytes, Mutation.Reader reader)
      throws IOException {
    Random random = new Random(name.hashCode() + seed.length);
    int accepted = 0;
    for (int i = 0; i < Mutation.INPUTS; i++) {
      byte[] mutated = Mutation.of(seed, reach, random);
      replace(name, mutated);
      if (Mutation.read(mutated.length + otherBytes, directory.toString(), reader)) {
        accepted++;
      }
    }
    return accepted;
  }

  @ParameterizedTest
  @ValueSource(strings = {"packed-bitlinear", "packed-autobitlinear", "online-autobitlinear"})
  void mutatedConfigs(String fixture) throws IOException {
    Path file = directory.resolve(CONFIG);
    int accepted =
        accepted(
            CONFIG,
            fixture(fixture + "/config.json"),
            Integer.MAX_VALUE,
            0,
            () -> {
              ConfigJson.read(file);
              GenerationConfig.read(directory);
            });
    assertThat(accepted).isBetween(1, Mutation.INPUTS - 1);
  }

  @Test
  void mutatedConfigsBesideGoodWeights() throws IOException {
    byte[] weights = fixture("packed-autobitlinear/model.safetensors");
    Files.write(directory.resolve(MODEL), weights);
    int accepted =
        accepted(
            CONFIG,
            fixture("packed-autobitlinear/config.json"),
            Integer.MAX_VALUE,
            weights.length,
            this::readHeaders);
    assertThat(accepted).isBetween(1, Mutation.INPUTS - 1);
  }

  @ParameterizedTest
  @CsvSource({"packed-bitlinear, 5000", "packed-autobitlinear, 100000"})
  void mutatedWeightsBesideAGoodConfig(String fixture, int reach) throws IOException {
    byte[] config = fixture(fixture + "/config.json");
    Files.write(directory.resolve(CONFIG), config);
    int accepted =
        accepted(
            MODEL, fixture(fixture + "/model.safetensors"), reach, config.length, this::readAll);
    assertThat(accepted).isLessThan(Mutation.INPUTS);
  }

  private void readHeaders() throws IOException {
    HuggingFaceDirectory.open(directory).close();
  }

  private void readAll() throws IOException {
    try (HuggingFaceDirectory opened = HuggingFaceDirectory.open(directory)) {
      for (TensorSpec tensor : opened.config().tensors()) {
        if (tensor.kind() == TensorSpec.Kind.TERNARY) {
          opened.ternary(tensor).unpack(0, 1, new byte[tensor.columns()]);
        } else if (!tensor.isMatrix()) {
          opened.readRows(tensor, 0, 1, MemorySegment.ofArray(new float[tensor.rows()]));
        }
      }
    }
  }

  @Test
  void mutatedShardIndexes() throws IOException {
    byte[] weights = fixture("packed-autobitlinear/model.safetensors");
    Files.write(directory.resolve("model-00001-of-00001.safetensors"), weights);
    String index =
        """
        {"metadata": {"total_size": 70000}, "weight_map": {
          "model.norm.weight": "model-00001-of-00001.safetensors",
          "model.embed_tokens.weight": "model-00001-of-00001.safetensors"}}
        """;
    int accepted =
        accepted(
            "model.safetensors.index.json",
            index.getBytes(StandardCharsets.UTF_8),
            Integer.MAX_VALUE,
            weights.length,
            () -> TensorStore.open(directory).close());
    assertThat(accepted).isBetween(1, Mutation.INPUTS - 1);
  }

  @Test
  void mutatedManifests() throws IOException {
    Files.writeString(directory.resolve("a.txt"), "a");
    DirectoryManifest.seal(directory);
    byte[] seed = Files.readAllBytes(directory.resolve("manifest.json"));
    int accepted =
        accepted(
            "manifest.json", seed, Integer.MAX_VALUE, 1, () -> DirectoryManifest.open(directory));
    assertThat(accepted).isBetween(1, Mutation.INPUTS - 1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "a shard in another directory ; {\"weight_map\": {\"a\": \"../x.safetensors\"}} ; plain",
        "an absolute shard ; {\"weight_map\": {\"a\": \"/etc/x.safetensors\"}} ; plain name",
        "a drive ; {\"weight_map\": {\"a\": \"C:x.safetensors\"}} ; plain name",
        "a hidden shard ; {\"weight_map\": {\"a\": \".x.safetensors\"}} ; plain name",
        "a pickle ; {\"weight_map\": {\"a\": \"pytorch_model.bin\"}} ; plain name",
        "a NUL ; {\"weight_map\": {\"a\": \"x\\u0000.safetensors\"}} ; plain name",
        "a duplicate ; {\"weight_map\": {\"a\": \"b.safetensors\", \"a\": \"c.safetensors\"}} ;"
            + " Dup",
        "a list ; {\"weight_map\": []} ; no object",
        "no map ; {} ; no object",
      })
  void aNastyIndexIsRefused(String name, String index, String reason) throws IOException {
    assertThat(name).isNotEmpty();
    Files.writeString(directory.resolve("model.safetensors.index.json"), index);
    assertThatThrownBy(() -> TensorStore.open(directory))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void aShardThatIsALinkOutOfTheDirectoryIsRefused() throws IOException {
    Path home = Files.createDirectory(directory.resolve("home"));
    Path secret =
        Files.copy(FIXTURES.resolve("train-step/model.safetensors"), directory.resolve("s"));
    Files.createSymbolicLink(home.resolve(MODEL), secret);
    assertThatThrownBy(() -> TensorStore.open(home))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("is a link out of its directory");
  }

  @Test
  void aConfigOfTenThousandLayersCostsNoMoreThanItsFiles() throws IOException {
    byte[] weights = fixture("packed-autobitlinear/model.safetensors");
    Files.write(directory.resolve(MODEL), weights);
    String config = new String(fixture("packed-autobitlinear/config.json"), StandardCharsets.UTF_8);
    byte[] deep =
        config
            .replace("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 9999")
            .getBytes(StandardCharsets.UTF_8);
    Files.write(directory.resolve(CONFIG), deep);
    boolean accepted =
        Mutation.read(weights.length + deep.length, "num_hidden_layers is 9999", this::readHeaders);
    assertThat(accepted).isFalse();
  }
}
