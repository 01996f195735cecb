package bitnet.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.TensorHeader;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TensorStoreTest {
  private static final String FIRST = "model-00001-of-00002.safetensors";
  private static final String SECOND = "model-00002-of-00002.safetensors";

  @TempDir private Path directory;

  @Test
  void tensorsOfAllShardsAreReadThroughOneStore() throws IOException {
    shard(FIRST, "a", 1);
    shard(SECOND, "b", 2);
    index("{\"a\":\"%s\",\"b\":\"%s\"}".formatted(FIRST, SECOND));
    try (TensorStore store = TensorStore.open(directory)) {
      assertThat(store.entries()).extracting(TensorEntry::name).containsExactly("a", "b");
      assertThat(store.readFloats(store.require("b"))).containsExactly(2);
      assertThat(store.data(store.require("a")).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0))
          .isEqualTo(1);
      assertThat(store.find("c")).isEmpty();
      assertThat(store.fileOf("b")).isEqualTo(directory.resolve(SECOND));
      assertThatThrownBy(() -> store.require("c"))
          .isInstanceOf(CheckpointException.class)
          .hasMessage(directory + ": tensor 'c': is missing; there are 2 other tensors");
    }
  }

  @Test
  void oneFileNeedsNoIndex() throws IOException {
    shard("model.safetensors", "a", 1);
    try (TensorStore store = TensorStore.open(directory)) {
      assertThat(store.readFloats(store.require("a"))).containsExactly(1);
    }
  }

  @Test
  void anIndexMayNameTheSingleFile() throws IOException {
    shard("model.safetensors", "a", 1);
    index("{\"a\":\"model.safetensors\"}");
    try (TensorStore store = TensorStore.open(directory)) {
      assertThat(store.entries()).hasSize(1);
    }
  }

  @Test
  void aTensorThatIsNotInItsShardIsNamed() throws IOException {
    shard(FIRST, "a", 1);
    shard(SECOND, "b", 2);
    index("{\"a\":\"%s\",\"b\":\"%s\"}".formatted(SECOND, FIRST));
    assertRefused("tensor 'a': is not in " + SECOND);
    index("{\"a\":\"%s\",\"c\":\"%s\"}".formatted(FIRST, SECOND));
    assertRefused("tensor 'c': is not in " + SECOND);
  }

  @Test
  void aTensorInTwoShardsIsRefused() throws IOException {
    shard(FIRST, "a", 1);
    shard(SECOND, "a", 2);
    shard("model-00003.safetensors", "b", 2);
    index("{\"a\":\"%s\",\"b\":\"%s\"}".formatted(FIRST, "model-00003.safetensors"));
    TensorStore.open(directory).close();
    shard("model-00003.safetensors", "a", 2);
    index("{\"a\":\"%s\",\"b\":\"%s\"}".formatted(FIRST, "model-00003.safetensors"));
    assertRefused("tensor 'a': is in " + FIRST + " as well");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../outside.safetensors",
        "..",
        ".",
        "/tmp/outside.safetensors",
        "sub/outside.safetensors",
        "sub\\\\outside.safetensors",
        "C:outside.safetensors",
        ".hidden.safetensors",
        "outside.bin",
        "a\\u0000.safetensors",
        "a\\n.safetensors",
        ""
      })
  void aShardNameThatIsNotAPlainFileNameIsRefused(String shard) throws IOException {
    index("{\"a\":\"%s\"}".formatted(shard));
    assertRefused("tensor 'a': shard \"", "is not the plain name of a .safetensors file");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"a\":1}", "{\"a\":null}", "[]", "null", "\"x\""})
  void aWeightMapOfAnotherFormIsRefused(String map) throws IOException {
    index(map);
    assertRefused("weight_map");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{",
        "{} {}",
        "\ufeff{}",
        "{\"weight_map\":{\"a\":\"x.safetensors\",\"a\":\"y.safetensors\"}}"
      })
  void anIndexThatIsNotOneStrictJsonObjectIsRefused(String text) throws IOException {
    Files.writeString(directory.resolve("model.safetensors.index.json"), text);
    assertRefused("model.safetensors.index.json: ");
  }

  @Test
  void aDeeplyNestedIndexIsRefused() throws IOException {
    index("[".repeat(100_000));
    assertRefused("depth");
  }

  @Test
  void aMissingShardIsNamed() throws IOException {
    index("{\"a\":\"%s\"}".formatted(FIRST));
    assertThatThrownBy(() -> TensorStore.open(directory))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(directory.resolve(FIRST).toString());
  }

  @Test
  void aLinkOutOfTheDirectoryIsRefused(@TempDir Path elsewhere) throws IOException {
    shard("model.safetensors", "a", 1);
    Files.move(directory.resolve("model.safetensors"), elsewhere.resolve("model.safetensors"));
    Files.createSymbolicLink(directory.resolve(FIRST), elsewhere.resolve("model.safetensors"));
    index("{\"a\":\"%s\"}".formatted(FIRST));
    assertRefused(FIRST, "is a link out of its directory");
  }

  @Test
  void theLinksOfHuggingFacesDownloadCacheAreFollowed() throws IOException {
    Path snapshot = Files.createDirectories(directory.resolve("snapshots/0123"));
    Path blobs = Files.createDirectories(directory.resolve("blobs"));
    shard("model.safetensors", "a", 1);
    Files.move(directory.resolve("model.safetensors"), blobs.resolve("abcd"));
    Files.createSymbolicLink(snapshot.resolve("model.safetensors"), Path.of("../../blobs/abcd"));
    try (TensorStore store = TensorStore.open(snapshot)) {
      assertThat(store.readFloats(store.require("a"))).containsExactly(1);
    }
  }

  @Test
  void aLinkWithinTheDirectoryIsFollowed() throws IOException {
    shard("whole.safetensors", "a", 1);
    Files.createSymbolicLink(directory.resolve("model.safetensors"), Path.of("whole.safetensors"));
    TensorStore.open(directory).close();
  }

  private void shard(String name, String tensor, float value) throws IOException {
    List<TensorHeader> tensors = List.of(TensorHeader.of(tensor, DType.F32, 1));
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(directory.resolve(name), tensors, Map.of())) {
      writer.writeFloats(tensor, MemorySegment.ofArray(new float[] {value}));
      writer.commit();
    }
  }

  private void index(String weightMap) throws IOException {
    Files.writeString(
        directory.resolve("model.safetensors.index.json"),
        "{\"metadata\":{\"total_size\":8},\"weight_map\":%s}".formatted(weightMap));
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(() -> TensorStore.open(directory))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll(parts)
        .hasMessageStartingWith(directory.toString())
        .hasMessageNotContaining("\n");
  }
}
