package bitnet.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
  @TempDir Path directory;

  @Test
  void aSecondWriterIsRefusedAndTheFirstOnesFileIsWhole() throws IOException {
    Path target = Files.writeString(directory.resolve("model.gguf"), "earlier");
    try (AtomicFile file = AtomicFile.create(target)) {
      assertThatIOException()
          .isThrownBy(() -> AtomicFile.create(target))
          .withMessage(
              "%s: another process is writing it; wait for it to end, or name another file",
              target);
      assertThat(target).hasContent("earlier");
      file.write(ByteBuffer.wrap("whole".getBytes(StandardCharsets.UTF_8)), 0);
      file.commit();
    }
    assertThat(target).hasContent("whole");
    assertThat(directory).isDirectoryNotContaining("glob:**.part");
  }

  @Test
  void whatAKilledProcessLeftIsReplaced() throws IOException {
    Path target = directory.resolve("tokenizer.json");
    Files.writeString(directory.resolve("tokenizer.json.part"), "half of it, and long");

    AtomicFile.write(target, new byte[] {'{', '}'});

    assertThat(target).hasContent("{}");
    assertThat(directory).isDirectoryNotContaining("glob:**.part");
  }

  @Test
  void aFileInTheDirectorysPlaceIsNamedWithARemedy() throws IOException {
    Path file = Files.writeString(directory.resolve("runs"), "");

    assertThatIOException()
        .isThrownBy(() -> AtomicFile.write(file.resolve("log.csv"), new byte[1]))
        .isInstanceOf(WriteFailure.class)
        .withMessage(
            "%s: cannot be written: a file is in the place of its directory; name another place",
            file);
  }
}
