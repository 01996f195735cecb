package bitnet.grammar;

import com.fasterxml.jackson.databind.node.TextNode;

/// Texts as JSON writes them.
final class JsonText {
  private JsonText() {}

  /// A string with its quotes.
  static String quoted(String text) {
    return TextNode.valueOf(text).toString();
  }

  /// A name as a part of a JSON pointer (RFC 6901).
  static String pointerPart(String name) {
    return name.replace("~", "~0").replace("/", "~1");
  }
}
