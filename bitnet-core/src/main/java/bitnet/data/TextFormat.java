package bitnet.data;

import bitnet.setting.NamedValues;
import bitnet.storage.TextInput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

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

  /// The format that a file's name and first character suggest: `.jsonl` and `.ndjson` are JSONL;
  /// `.json` is JSON, or JSONL where it starts with `{`; all else is LINES. A pipe without such a
  /// name is JSONL where it starts with `{`, JSON where it starts with `[`. DOCUMENT is never
  /// guessed: whether line breaks are part of the text is the user's decision.
  ///
  /// @throws IOException if a `.json` file cannot be read
  public static TextFormat detect(TextInput in) throws IOException {
    String name = in.file().toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".jsonl") || name.endsWith(".ndjson")) {
      return JSONL;
    }
    if (name.endsWith(".json")) {
      return in.firstCharacter() == '{' ? JSONL : JSON;
    }
    if (!in.isStream()) {
      return LINES;
    }
    return switch (in.firstCharacter()) {
      case '{' -> JSONL;
      case '[' -> JSON;
      default -> LINES;
    };
  }

  /// The same for a file that is not open yet; a pipe must not be given, since it can be read once.
  ///
  /// @throws IOException if it cannot be read, or is a pipe
  public static TextFormat detect(Path file) throws IOException {
    TextInput.requireFile(file, "this text");
    try (TextInput in = TextInput.open(file)) {
      return detect(in);
    }
  }
}
