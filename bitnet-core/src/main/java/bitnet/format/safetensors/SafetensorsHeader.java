package bitnet.format.safetensors;

import bitnet.format.CheckpointException;
import bitnet.format.DType;
import bitnet.format.TensorHeader;
import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Parses and validates the JSON header of a safetensors file. A header comes from strangers: each
/// rule of the format is checked before any entry is used, memory stays within a small multiple of
/// the header's size, and whatever is wrong ends in a [CheckpointException].
final class SafetensorsHeader {
  static final int LONGEST = 100_000_000;
  private static final int MOST_TENSORS = 250_000;
  private static final int HIGHEST_RANK = 32;

  // Names are not canonicalized: a table of hostile names is a cost without a use.
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(3)
                  .maxDocumentLength(LONGEST)
                  .maxStringLength(LONGEST)
                  .maxNameLength(4096)
                  .maxNumberLength(64)
                  .build())
          .build();

  private final Path file;
  private final long dataBytes;
  private final List<TensorEntry> entries = new ArrayList<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private @Nullable String current;

  private SafetensorsHeader(Path file, long dataBytes) {
    this.file = file;
    this.dataBytes = dataBytes;
  }

  /// Parses a header.
  ///
  /// @param file named in errors
  /// @param text the header's bytes
  /// @param dataBytes the bytes that follow the header
  static SafetensorsHeader parse(Path file, byte[] text, long dataBytes)
      throws CheckpointException {
    if (text.length == 0 || text[0] != '{') {
      throw new CheckpointException(
          file, "header does not begin with '{'; this is not a safetensors file");
    }
    SafetensorsHeader header = new SafetensorsHeader(file, dataBytes);
    // A reader of strict UTF-8, because Jackson alone would guess the encoding.
    InputStreamReader reader =
        new InputStreamReader(new ByteArrayInputStream(text), StandardCharsets.UTF_8.newDecoder());
    try (JsonParser json = JSON.createParser(reader)) {
      header.readRoot(json);
    } catch (CheckpointException failure) {
      throw failure;
    } catch (JacksonException failure) {
      throw header.fault(CheckpointException.quote(failure.getOriginalMessage()));
    } catch (CharacterCodingException failure) {
      throw header.fault("header is not UTF-8");
    } catch (IOException failure) {
      throw header.fault("header: " + failure.getMessage());
    }
    header.checkCoverage();
    return header;
  }

  /// The tensors in the order of their data.
  List<TensorEntry> entries() {
    return List.copyOf(entries);
  }

  /// The free-form text of `__metadata__`, in file order.
  Map<String, String> metadata() {
    return metadata;
  }

  private CheckpointException fault(String reason) {
    return current == null
        ? new CheckpointException(file, reason)
        : CheckpointException.ofTensor(file, current, reason);
  }

  private void readRoot(JsonParser json) throws IOException {
    json.nextToken();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      current = name;
      if (name.equals(TensorHeader.METADATA)) {
        readMetadata(json);
      } else {
        entries.add(readTensor(json, name));
      }
      current = null;
      if (entries.size() > MOST_TENSORS) {
        throw fault("header holds more than %d tensors".formatted(MOST_TENSORS));
      }
    }
    if (json.nextToken() != null) {
      throw fault("header continues after its closing '}'");
    }
  }

  private void readMetadata(JsonParser json) throws IOException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw fault("must be an object of strings");
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      if (json.nextToken() != JsonToken.VALUE_STRING) {
        throw fault("\"%s\" is not a string".formatted(CheckpointException.quote(key)));
      }
      metadata.put(key, json.getText());
    }
  }

  private TensorEntry readTensor(JsonParser json, String name) throws IOException {
    Optional<String> nameFault = TensorHeader.nameFault(name);
    if (nameFault.isPresent()) {
      throw fault(nameFault.get());
    }
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw fault("is not described by an object");
    }
    DType dtype = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "dtype" -> dtype = readType(json);
        case "shape" -> shape = readNumbers(json, field, HIGHEST_RANK);
        case "data_offsets" -> offsets = readNumbers(json, field, 2);
        default ->
            throw fault(
                "unknown field \"%s\"; only dtype, shape and data_offsets are allowed"
                    .formatted(CheckpointException.quote(field)));
      }
    }
    if (dtype == null || shape == null || offsets == null) {
      throw fault("needs dtype, shape and data_offsets");
    }
    return entry(name, dtype, shape, offsets);
  }

  private DType readType(JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.VALUE_STRING) {
      throw fault("dtype is not a string");
    }
    String name = json.getText();
    return DType.of(name)
        .orElseThrow(
            () ->
                fault(
                    "dtype \"%s\" is not supported; supported are %s"
                        .formatted(CheckpointException.quote(name), DType.names())));
  }

  private List<Long> readNumbers(JsonParser json, String field, int most) throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw fault(field + " is not an array");
    }
    List<Long> numbers = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (numbers.size() == most) {
        throw fault("%s has more than %d numbers".formatted(field, most));
      }
      if (json.currentToken() != JsonToken.VALUE_NUMBER_INT || json.getText().startsWith("-")) {
        throw fault(
            "%s holds %s; only whole numbers of at least 0 are allowed"
                .formatted(field, CheckpointException.quote(json.getText())));
      }
      numbers.add(json.getLongValue());
    }
    return numbers;
  }

  private TensorEntry entry(String name, DType dtype, List<Long> shape, List<Long> offsets)
      throws CheckpointException {
    if (offsets.size() != 2) {
      throw fault("data_offsets must be two numbers");
    }
    long begin = offsets.getFirst();
    long end = offsets.getLast();
    if (begin > end) {
      throw fault("data_offsets [%d, %d] end before they begin".formatted(begin, end));
    }
    if (end > dataBytes) {
      throw fault(
          "its data end at byte %d but only %d bytes of data follow the header; the file is truncated"
              .formatted(end, dataBytes));
    }
    long bytes;
    try {
      bytes = TensorHeader.byteSize(dtype, shape);
    } catch (ArithmeticException overflow) {
      throw fault("the size of shape %s overflows".formatted(shape));
    }
    if (bytes != end - begin) {
      throw fault(
          "shape %s of %s takes %d bytes but data_offsets [%d, %d] hold %d"
              .formatted(shape, dtype, bytes, begin, end, end - begin));
    }
    return new TensorEntry(name, dtype, shape, begin, bytes);
  }

  /// The tensors must cover the data without a hole and without an overlap.
  private void checkCoverage() throws CheckpointException {
    entries.sort(
        Comparator.comparingLong(TensorEntry::offset).thenComparingLong(TensorEntry::bytes));
    long covered = 0;
    for (TensorEntry entry : entries) {
      if (entry.offset() != covered) {
        throw CheckpointException.ofTensor(
            file,
            entry.name(),
            entry.offset() < covered
                ? "its data begin at byte %d, inside another tensor that ends at %d"
                    .formatted(entry.offset(), covered)
                : "its data begin at byte %d, but bytes from %d on belong to no tensor"
                    .formatted(entry.offset(), covered));
      }
      covered += entry.bytes();
    }
    if (covered != dataBytes) {
      throw new CheckpointException(
          file,
          "%d bytes of data follow the header but its tensors cover %d"
              .formatted(dataBytes, covered));
    }
  }
}
