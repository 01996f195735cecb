package bitnet.format;

import bitnet.storage.AtomicFile;
import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/// JSON files next to the tensors, read strictly: UTF-8, one object, no duplicate keys, bounded
/// size and depth.
public final class JsonFile {
  public static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                  .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(64)
                          .maxNameLength(4096)
                          .maxNumberLength(64)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private JsonFile() {}

  /// Reads an object.
  ///
  /// @param largest the size in bytes above which the file is refused
  public static ObjectNode read(Path file, long largest) throws IOException {
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(file, "is not a regular file");
    }
    if (Files.size(file) > largest) {
      throw new CheckpointException(
          file, "has %d bytes; at most %d are read".formatted(Files.size(file), largest));
    }
    try {
      JsonNode root = MAPPER.readTree(Files.readString(file, StandardCharsets.UTF_8));
      if (root instanceof ObjectNode object) {
        return object;
      }
      throw new CheckpointException(file, "is not a JSON object");
    } catch (JacksonException failure) {
      throw new CheckpointException(file, describe(failure), failure);
    } catch (CharacterCodingException failure) {
      throw new CheckpointException(file, "is not UTF-8", failure);
    }
  }

  /// Writes an object, indented, in place of the file at once.
  public static void write(Path file, ObjectNode object) throws IOException {
    String text = MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(object) + "\n";
    AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  private static String describe(JacksonException failure) {
    String location =
        failure.getLocation() == null
            ? ""
            : "line %d, column %d: "
                .formatted(failure.getLocation().getLineNr(), failure.getLocation().getColumnNr());
    return location + CheckpointException.quote(failure.getOriginalMessage());
  }
}
