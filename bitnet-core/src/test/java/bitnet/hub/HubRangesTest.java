package bitnet.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Large files, which come in ranges at once.
class HubRangesTest extends HubClientFixture {
  @Test
  void aLargeFileIsDownloadedInRanges() throws IOException {
    rangeBytes = SIZE / 8;
    assertWhole(pull("org/model"));
    assertThat(server.ranges)
        .containsExactlyInAnyOrder(
            "bytes=0-74999", "bytes=75000-149999", "bytes=150000-224999", "bytes=225000-299999");
    assertThat(server.contentBytes.get()).isEqualTo(SIZE + CONFIG.length);
    assertNothingIncomplete();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5000, SIZE / 4 - 1})
  void aDroppedRangeIsContinuedWhereItEnded(int bytes) throws IOException {
    rangeBytes = SIZE / 8;
    for (int i = 0; i < 3; i++) {
      server.faults.add((exchange, content) -> sent(() -> server.send(exchange, content, bytes)));
    }
    assertWhole(pull("org/model"));
    assertThat(server.contentBytes.get()).isBetween((long) SIZE, SIZE + 2L + 3L * bytes);
    assertNothingIncomplete();
  }

  @Test
  void rangesOfAnEarlierProcessAreContinued() throws IOException {
    rangeBytes = SIZE / 8;
    Path blobs = Files.createDirectories(cache.resolve("models--org--model/blobs"));
    String hash = HubServer.hash("SHA-256", weights);
    byte[] begun = weights.clone();
    Arrays.fill(begun, 60_000, 75_000, (byte) 0);
    Arrays.fill(begun, 225_000, SIZE, (byte) 0);
    Files.write(blobs.resolve(hash + ".ranges.incomplete"), begun);
    ByteBuffer state = ByteBuffer.allocate(48).putLong(SIZE).putLong(4);
    state.putLong(60_000).putLong(150_000).putLong(225_000).putLong(225_000);
    Files.write(blobs.resolve(hash + ".ranges"), state.array());

    assertWhole(pull("org/model"));
    assertThat(server.contentBytes.get()).isEqualTo(15_000 + 75_000 + CONFIG.length);
    assertNothingIncomplete();
  }

  @ParameterizedTest
  @CsvSource({
    "300000, 4, 60000, 150000, 225000, 300001",
    "300000, 4, 60000, 150000, 225000, 224999",
    "300000, 3, 60000, 150000, 225000, 225000",
    "300001, 4, 60000, 150000, 225000, 225000",
    "300000, 4, -1, 150000, 225000, 225000",
    "300000, 4, 60000, 150000, 225000, 299999", // behind the end of what is there
  })
  void rangesThatDoNotFitAreDownloadedAgain(
      long total, long count, long first, long second, long third, long fourth) throws IOException {
    rangeBytes = SIZE / 8;
    Path blobs = Files.createDirectories(cache.resolve("models--org--model/blobs"));
    String hash = HubServer.hash("SHA-256", weights);
    Files.write(blobs.resolve(hash + ".ranges.incomplete"), Arrays.copyOf(weights, 250_000));
    ByteBuffer state = ByteBuffer.allocate(48).putLong(total).putLong(count);
    state.putLong(first).putLong(second).putLong(third).putLong(fourth);
    Files.write(blobs.resolve(hash + ".ranges"), state.array());
    assertWhole(pull("org/model"));
    assertThat(server.contentBytes.get()).isEqualTo(SIZE + CONFIG.length);
  }

  @Test
  void damagedRangesAreDownloadedAgain() throws IOException {
    rangeBytes = SIZE / 8;
    Path blobs = Files.createDirectories(cache.resolve("models--org--model/blobs"));
    String hash = HubServer.hash("SHA-256", weights);
    Files.write(blobs.resolve(hash + ".ranges.incomplete"), new byte[SIZE]);
    ByteBuffer state = ByteBuffer.allocate(48).putLong(SIZE).putLong(4);
    state.putLong(60_000).putLong(150_000).putLong(225_000).putLong(SIZE);
    Files.write(blobs.resolve(hash + ".ranges"), state.array());
    assertWhole(pull("org/model"));
    assertNothingIncomplete();
  }

  @ParameterizedTest
  @CsvSource({"1, 37500", "-1, 37500", "1, 1000000000", "-1, 1000000000"})
  void aSizeThatTheListingSaysOtherwiseIsRefused(int error, long smallestRange) {
    rangeBytes = smallestRange;
    server.sizeError = error;
    assertThatThrownBy(() -> pull("org/model"))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("model.safetensors");
    assertThat(cache.resolve("models--org--model/snapshots/" + HubServer.COMMIT + "/" + WEIGHTS))
        .doesNotExist();
  }

  @Test
  void aLargeFileOfAServerWithoutRangesIsDownloadedWhole() throws IOException {
    rangeBytes = SIZE / 8;
    server.hasRanges = false;
    assertWhole(pull("org/model"));
    assertNothingIncomplete();
  }
}
