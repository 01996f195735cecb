package bitnet.tokenizer;

/// UTF-8 decoded byte by byte, as the WHATWG Encoding Standard says and Rust does: one U+FFFD for
/// each longest sequence that could have begun a character. (The JDK's decoder counts otherwise
/// for encoded surrogates.)
final class Utf8Decoder {
  private static final char REPLACEMENT = '\uFFFD';

  private int codePoint;
  private int missingBytes;
  private int lowest = 0x80;
  private int highest = 0xBF;

  /// Takes bytes and returns the characters they complete.
  String next(byte[] bytes) {
    StringBuilder text = new StringBuilder(bytes.length);
    for (byte value : bytes) {
      accept(value & 0xFF, text);
    }
    return text.toString();
  }

  /// Ends the text: a character that is still incomplete becomes U+FFFD.
  String finish() {
    if (missingBytes == 0) {
      return "";
    }
    startCharacter();
    return String.valueOf(REPLACEMENT);
  }

  private void startCharacter() {
    missingBytes = 0;
    lowest = 0x80;
    highest = 0xBF;
  }

  private void accept(int value, StringBuilder text) {
    if (missingBytes > 0 && value >= lowest && value <= highest) {
      codePoint = codePoint << 6 | (value & 0x3F);
      lowest = 0x80;
      highest = 0xBF;
      missingBytes--;
      if (missingBytes == 0) {
        text.appendCodePoint(codePoint);
      }
      return;
    }
    // a byte that cannot continue a character may begin the next
    text.append(finish());
    if (value < 0x80) {
      text.append((char) value);
    } else if (value >= 0xC2 && value <= 0xF4) {
      begin(value);
    } else {
      text.append(REPLACEMENT);
    }
  }

  /// The second byte's range excludes overlong forms, surrogates and what is above U+10FFFF.
  private void begin(int value) {
    missingBytes = value < 0xE0 ? 1 : value < 0xF0 ? 2 : 3;
    codePoint = value & (0x3F >> missingBytes);
    lowest = value == 0xE0 ? 0xA0 : value == 0xF0 ? 0x90 : 0x80;
    highest = value == 0xED ? 0x9F : value == 0xF4 ? 0x8F : 0xBF;
  }
}
