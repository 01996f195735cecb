package bitnet.spark;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/// Values of the toolkit as compressed JSON, in which tasks carry them: numbers keep every bit.
final class JsonBytes {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private JsonBytes() {}

  static byte[] of(Object value) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      MAPPER.writeValue(out, value);
    }
    return bytes.toByteArray();
  }

  /// The value of bytes that [#of] made.
  static <T> T read(byte[] bytes, TypeReference<T> type) throws IOException {
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
      return MAPPER.readValue(in, type);
    }
  }
}
