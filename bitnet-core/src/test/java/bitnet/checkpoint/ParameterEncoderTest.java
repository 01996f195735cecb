package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.model.Activation;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.model.TensorSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ParameterEncoderTest {
  private static final LlamaConfig CONFIG =
      new LlamaConfig(
          303,
          34,
          1,
          64,
          new LlamaConfig.Heads(2, 1, 16, 1e4),
          new LlamaConfig.FeedForward(77, Activation.SILU),
          LlamaConfig.Norms.LLAMA,
          new LlamaConfig.Weights(false, true));

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(longs = {1, 500, 1000, 2618})
  void sizeOfTheChunksDoesNotChangeTheFile(long chunkValues) throws IOException {
    Path whole = encode("whole.safetensors", ParameterEncoder.CHUNK_VALUES);
    Path chunked = encode("chunked.safetensors", chunkValues);

    assertThat(chunked).hasSameBinaryContentAs(whole);
  }

  private Path encode(String name, long chunkValues) throws IOException {
    Path file = directory.resolve(name);
    LatentInitializer initializer = new LatentInitializer(5, 1);
    try (SafetensorsWriter writer =
            SafetensorsWriter.create(file, ModelLayout.headers(CONFIG), Map.of());
        ParameterEncoder encoder = new ParameterEncoder(CONFIG, writer, null, chunkValues)) {
      for (TensorSpec tensor : CONFIG.tensors()) {
        encoder.encode(tensor, initializer::fill);
      }
      writer.commit();
    }
    return file;
  }
}
