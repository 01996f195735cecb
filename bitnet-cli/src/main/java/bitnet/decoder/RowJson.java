package bitnet.decoder;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqMap;
import dev.hardwood.row.PqStruct;
import dev.hardwood.row.StructAccessor;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// Values of Parquet as JSON: groups and maps are objects, times are texts of ISO 8601, bytes are a
/// text where they are UTF-8 and base64 where not.
final class RowJson {
  private static final char REPLACEMENT = '\uFFFD';

  private RowJson() {}

  static void write(StructAccessor group, JsonGenerator json) throws IOException {
    json.writeStartObject();
    for (int field = 0; field < group.getFieldCount(); field++) {
      json.writeFieldName(group.getFieldName(field));
      write(group.getValue(field), group.getRawValue(field), json);
    }
    json.writeEndObject();
  }

  private static void write(@Nullable Object value, @Nullable Object raw, JsonGenerator json)
      throws IOException {
    switch (value) {
      case null -> json.writeNull();
      case PqStruct group -> write(group, json);
      case PqList list -> write(list, json);
      case PqMap map -> write(map, json);
      case String text -> json.writeString(checked(text, raw));
      case byte[] bytes -> write(bytes, json);
      case Boolean truth -> json.writeBoolean(truth);
      case Integer number -> json.writeNumber(number);
      case Long number -> json.writeNumber(number);
      case Float number -> json.writeNumber(number);
      case Double number -> json.writeNumber(number);
      case BigDecimal number -> json.writeNumber(number);
      default -> json.writeString(value.toString());
    }
  }

  private static void write(PqList list, JsonGenerator json) throws IOException {
    json.writeStartArray();
    for (int index = 0; index < list.size(); index++) {
      write(list.get(index), list.getRaw(index), json);
    }
    json.writeEndArray();
  }

  private static void write(PqMap map, JsonGenerator json) throws IOException {
    json.writeStartObject();
    for (PqMap.Entry entry : map.getEntries()) {
      json.writeFieldName(String.valueOf(entry.getKey()));
      write(entry.getValue(), entry.getRawValue(), json);
    }
    json.writeEndObject();
  }

  /// The library puts a replacement character where a text is not UTF-8.
  private static String checked(String text, @Nullable Object raw) {
    if (text.indexOf(REPLACEMENT) >= 0 && raw instanceof byte[] bytes && !isUtf8(bytes)) {
      throw new IllegalStateException("a text is not UTF-8");
    }
    return text;
  }

  private static void write(byte[] bytes, JsonGenerator json) throws IOException {
    if (isUtf8(bytes)) {
      json.writeString(new String(bytes, StandardCharsets.UTF_8));
    } else {
      json.writeBinary(bytes);
    }
  }

  private static boolean isUtf8(byte... bytes) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return true;
    } catch (CharacterCodingException binary) {
      return false;
    }
  }
}
