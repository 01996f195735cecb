package bitnet.corpus;

import bitnet.setting.NamedValues;
import java.util.Locale;

/// The order of documents in the shards.
public enum DocumentOrder {
  /// By a hash of the seed and the text: it depends neither on how the documents are spread over
  /// files nor on how the work is spread over machines.
  SHUFFLED,
  /// As in the files: these in the order in which they are named, directories by name.
  CORPUS;

  /// The name on the command line.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The order of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static DocumentOrder of(String key) {
    return NamedValues.find(values(), DocumentOrder::key, key, "order");
  }
}
