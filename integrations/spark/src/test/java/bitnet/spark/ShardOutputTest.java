package bitnet.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShardOutputTest {
  @TempDir private Path directory;

  @Test
  void aDirectoryAppearsWithItsContentOrNotAtAll() throws IOException {
    Path target = directory.resolve("a/shards");
    try (ShardOutput output = ShardOutput.create(target)) {
      Files.writeString(Files.createDirectory(output.path().resolve("parts")).resolve("x"), "x");
      assertThat(target).doesNotExist();
    }
    assertThat(target.getParent()).isEmptyDirectory();

    try (ShardOutput output = ShardOutput.create(target)) {
      Files.writeString(output.path().resolve("x"), "x");
      output.commit();
    }
    assertThat(target.getParent()).isDirectoryContaining("glob:**shards");
    assertThat(target.resolve("x")).hasContent("x");
    assertThatThrownBy(() -> ShardOutput.create(target))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(target + " exists already; name another output, or delete it");
  }

  @Test
  void whatAKilledProcessLeftIsTakenOverAndNothingElse() throws IOException {
    Path target = directory.resolve("shards");
    Path left = Files.createDirectory(directory.resolve("shards.part")).resolve("left");
    Files.writeString(left, "x");
    assertThatThrownBy(() -> ShardOutput.create(target))
        .hasMessage(
            directory.resolve("shards.part")
                + " is needed for unfinished shards, but exists already; move it elsewhere");
    assertThat(left).exists();

    Files.writeString(directory.resolve("shards.lock"), "1\n");
    try (ShardOutput output = ShardOutput.create(target)) {
      assertThat(output.path()).isEmptyDirectory();
      assertThatThrownBy(() -> ShardOutput.create(target))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("is writing it");
    }
    assertThat(directory).isEmptyDirectory();
  }
}
