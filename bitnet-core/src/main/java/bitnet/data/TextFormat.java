package bitnet.data;

import bitnet.setting.NamedValues;
import bitnet.storage.TextInput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// How examples are stored in a training file. All of them are UTF-8.
public enum TextFormat {
  /// A line is an example; its line break and a byte-order mark are not part of it.
  LINES,
  /// The whole file is one example, byte for byte: line breaks and a byte-order mark are kept.
  DOCUMENT,
  /// A line is a JSON object with a string field `text`, or with `query`, `answer` and perhaps
  /// `reasoning`, which [QaTemplate] makes a text of.
  JSONL,
  /// One JSON array of such objects.
  JSON;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The format of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static TextFormat of(String key) {
    return NamedValues.find(values(), TextFormat::key, key, "text_format");
  }

  /// The format that a file's name, without the ending of its compression, and first character
  /// suggest: `.jsonl` and `.ndjson` are JSONL, as are records of another format; `.json` is JSON,
  /// or JSONL where it starts with `{`; all else is LINES. A pipe without such a
  /// name is JSONL where it starts with `{`, JSON where it starts with `[`. DOCUMENT is never
  /// guessed: whether line breaks are part of the text is the user's decision.
  ///
  /// @throws IOException if a `.json` file cannot be read
  public static TextFormat detect(TextInput in) throws IOException {
    return switch (in.isRecords() ? "jsonl" : DataFiles.kind(in.file())) {
      case "jsonl", "ndjson" -> JSONL;
      case "json" -> in.firstCharacter() == '{' ? JSONL : JSON;
      default -> in.isStream() ? ofPipe(in.firstCharacter()) : LINES;
    };
  }

  private static TextFormat ofPipe(int firstCharacter) {
    return switch (firstCharacter) {
      case '{' -> JSONL;
      case '[' -> JSON;
      default -> LINES;
    };
  }

  /// The format that is wanted, or [#detect(TextInput)] where none is.
  ///
  /// @throws IOException if a `.json` file cannot be read
  /// @throws IllegalArgumentException if records of another format are wanted as a text
  static TextFormat of(TextInput in, @Nullable TextFormat wanted) throws IOException {
    if (wanted != null && wanted != JSONL && in.isRecords()) {
      throw new IllegalArgumentException(
          "text_format %s does not fit %s, which has records; leave it out"
              .formatted(wanted.key(), in.file()));
    }
    return wanted == null ? detect(in) : wanted;
  }

  /// The same for a dataset that is not open yet, by its first file; a pipe must not be given,
  /// since it can be read once.
  ///
  /// @throws IOException if it cannot be read, or is a pipe
  public static TextFormat detect(Path dataset) throws IOException {
    TextInput.requireFile(dataset, "this text");
    try (TextInput in = TextInput.openData(DataFiles.of(dataset).getFirst())) {
      return detect(in);
    }
  }
}
