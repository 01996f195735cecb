package bitnet.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bitnet.format.DType;
import bitnet.format.JsonFile;
import bitnet.format.TensorHeader;
import bitnet.format.safetensors.SafetensorsFile;
import bitnet.format.safetensors.SafetensorsWriter;
import bitnet.model.LlamaConfig;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Compares with the reference implementations, where a Python that has them is installed.
@Timeout(300)
class PythonReadsWhatWeWriteTest {
  private static final Path PYTHON =
      Path.of(
          Optional.ofNullable(System.getenv("BITNET_ORACLE_PYTHON"))
              .orElse(System.getProperty("user.home") + "/.cache/bitnet-oracle/bin/python"));

  @TempDir private Path directory;

  @Test
  void safetensorsReadsTheSameValuesInEveryType() throws Exception {
    // the hexadecimal ones lie in the middle between two values of bf16
    float[] values = {0, -0.0f, 1, -1.5f, 0x1.01p0f, 0x1.03p0f, 65_504, 1e-34f, -3e38f};
    List<TensorHeader> tensors = new ArrayList<>();
    for (DType dtype : DType.values()) {
      tensors.add(TensorHeader.of(dtype.name(), dtype, dtype.isFloat() ? values.length : 3));
    }
    Path file = directory.resolve("model.safetensors");
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(file, tensors, Map.of("format", "pt", "note", "\u00e4\n"))) {
      for (TensorHeader tensor : tensors) {
        if (tensor.dtype().isFloat()) {
          writer.writeFloats(tensor.name(), MemorySegment.ofArray(values));
        } else {
          byte[] ones = new byte[3 * tensor.dtype().bytes()];
          Arrays.fill(ones, (byte) 1);
          writer.write(tensor.name(), MemorySegment.ofArray(ones));
        }
      }
      writer.commit();
    }

    JsonNode seen =
        python(
            """
            import json, sys, torch
            from safetensors import safe_open
            out = {}
            with safe_open(sys.argv[1], "pt") as file:
                out["metadata"] = file.metadata()
                for name in file.keys():
                    tensor = file.get_tensor(name)
                    if tensor.is_floating_point():
                        bits = tensor.float().view(torch.int32)
                        cast = torch.tensor(%s).to(tensor.dtype).float().view(torch.int32)
                        out[name] = [bits.tolist(), cast.tolist()]
                    else:
                        out[name] = [str(tensor.dtype), tensor.to(torch.int64).tolist()]
            print(json.dumps(out))
            """
                .formatted(Arrays.toString(values)),
            file);

    assertThat(seen.get("metadata").get("note").textValue()).isEqualTo("\u00e4\n");
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      for (DType dtype : DType.values()) {
        JsonNode found = seen.get(dtype.name());
        if (dtype.isFloat()) {
          assertThat(found.get(0)).as("values of %s", dtype).isEqualTo(found.get(1));
          float[] ours = read.readFloats(read.require(dtype.name()));
          for (int i = 0; i < ours.length; i++) {
            assertThat(Float.floatToRawIntBits(ours[i])).isEqualTo(found.get(0).get(i).intValue());
          }
        }
      }
    }
    assertThat(seen.get("I16").get(1).get(2).intValue()).isEqualTo(0x0101);
    assertThat(seen.get("BOOL").get(0).textValue()).isEqualTo("torch.bool");
  }

  @Test
  void transformersReadsTheSameConfiguration() throws Exception {
    for (boolean subNorms : new boolean[] {false, true}) {
      Path home =
          Files.createDirectory(directory.resolve(subNorms ? "BitNetConfig" : "LlamaConfig"));
      new ConfigJson(
              LlamaConfig.of(300, 64, 96, 3, 4)
                  .withKeyValueHeads(2)
                  .withContextLength(512)
                  .withRopeTheta(12_345.5)
                  .withSubNorms(subNorms)
                  .withTiedHead(true),
              DType.BF16,
              Optional.of(Quantization.online()),
              List.of(1),
              List.of(2, 3),
              JsonFile.MAPPER.createObjectNode().put("seed", 7))
          .write(home.resolve("config.json"));
    }

    JsonNode seen =
        python(
            """
            import json, pathlib, sys
            from transformers import AutoConfig
            seen = {}
            for home in pathlib.Path(sys.argv[1]).iterdir():
                if home.is_dir():
                    config = AutoConfig.from_pretrained(home)
                    fields = {key: getattr(config, key, None) for key in (
                        "vocab_size hidden_size intermediate_size num_hidden_layers head_dim "
                        "num_attention_heads num_key_value_heads hidden_act rms_norm_eps "
                        "max_position_embeddings tie_word_embeddings eos_token_id").split()}
                    fields["dtype"] = str(config.dtype).removeprefix("torch.")
                    rope = getattr(config, "rope_parameters", None) or {}
                    fields["rope_theta"] = rope.get("rope_theta", getattr(config, "rope_theta", 0))
                    fields["class"] = type(config).__name__
                    fields["linear_class"] = config.quantization_config["linear_class"]
                    seen[home.name] = fields
            print(json.dumps(seen))
            """,
            directory);
    assertThat(seen.size()).isEqualTo(2);
    for (Map.Entry<String, JsonNode> read : seen.properties()) {
      ObjectNode fields = (ObjectNode) read.getValue();
      assertThat(fields.remove("class").textValue()).isEqualTo(read.getKey());
      assertThat(fields.remove("linear_class").textValue()).isEqualTo("autobitlinear");
      JsonNode written = JsonFile.read(directory.resolve(read.getKey(), "config.json"), 1 << 20);
      for (Map.Entry<String, JsonNode> field : fields.properties()) {
        assertThat(field.getValue()).as(field.getKey()).isEqualTo(written.get(field.getKey()));
      }
    }
  }

  private JsonNode python(String script, Path argument) throws IOException, InterruptedException {
    assumeTrue(
        Files.isExecutable(PYTHON),
        ("no Python with torch and transformers at %s; make one as CONTRIBUTING.md says, or"
                + " set BITNET_ORACLE_PYTHON")
            .formatted(PYTHON));
    Path errors = directory.resolve("errors.txt");
    Process process =
        new ProcessBuilder(PYTHON.toString(), "-c", script, argument.toString())
            .redirectError(errors.toFile())
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(() -> read(errors)).isZero();
    return JsonFile.MAPPER.readTree(output);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException failure) {
      return failure.toString();
    }
  }
}
