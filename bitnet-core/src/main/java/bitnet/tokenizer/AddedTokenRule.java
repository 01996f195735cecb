package bitnet.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/// How an added token is matched in a text, if not as a plain substring. llama.cpp reads no such
/// rules from a GGUF file.
///
/// @param singleWord only where no letter, digit or underscore is next to it
/// @param leftStrip takes the white space before it
/// @param rightStrip takes the white space after it
/// @param normalized is found in the normalized text
public record AddedTokenRule(
    boolean singleWord, boolean leftStrip, boolean rightStrip, boolean normalized) {

  /// Matched wherever its text occurs.
  public static final AddedTokenRule PLAIN = new AddedTokenRule(false, false, false, false);

  private static final String SINGLE_WORD = "single_word";
  private static final String LEFT_STRIP = "lstrip";
  private static final String RIGHT_STRIP = "rstrip";
  private static final String NORMALIZED = "normalized";

  /// The rule of a token in a tokenizer.json.
  static AddedTokenRule read(JsonNode token) {
    return new AddedTokenRule(
        token.path(SINGLE_WORD).asBoolean(),
        token.path(LEFT_STRIP).asBoolean(),
        token.path(RIGHT_STRIP).asBoolean(),
        token.path(NORMALIZED).asBoolean());
  }

  void write(ObjectNode token) {
    token
        .put(SINGLE_WORD, singleWord)
        .put(LEFT_STRIP, leftStrip)
        .put(RIGHT_STRIP, rightStrip)
        .put(NORMALIZED, normalized);
  }

  /// The rule as a bit set, one bit for each component.
  public int bits() {
    return (singleWord ? 1 : 0) | (leftStrip ? 2 : 0) | (rightStrip ? 4 : 0) | (normalized ? 8 : 0);
  }

  /// The rule of a bit set; unknown bits are ignored.
  public static AddedTokenRule of(int bits) {
    return new AddedTokenRule((bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0);
  }

  /// The parts as a tokenizer.json calls them.
  @Override
  public String toString() {
    List<String> parts = new ArrayList<>();
    if (singleWord) {
      parts.add(SINGLE_WORD);
    }
    if (leftStrip) {
      parts.add(LEFT_STRIP);
    }
    if (rightStrip) {
      parts.add(RIGHT_STRIP);
    }
    if (normalized) {
      parts.add(NORMALIZED);
    }
    return String.join(", ", parts);
  }
}
