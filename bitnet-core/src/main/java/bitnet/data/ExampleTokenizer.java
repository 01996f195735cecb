package bitnet.data;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Takes examples from a reader and tokenizes them.
final class ExampleTokenizer {
  /// The longest text, in characters, that is tokenized at once: a tokenizer takes some hundred
  /// bytes for every character it is given.
  static final int PIECE = 1 << 20;

  /// Where tokens go: the cache, masked or not.
  @FunctionalInterface
  private interface TokenSink {
    void take(int[] tokens) throws IOException;
  }

  private final TextFormat format;
  private final TokenEncoding encoding;
  private final TokenCache cache;
  private final LossMask mask;
  private final int[] separator;
  private final StringBuilder pending = new StringBuilder();
  private final RecordLengths lengths = new RecordLengths();
  private int[] last = {}; // tokens of the last part
  private long begin; // of the current example
  private long examples;
  private long bytes;
  private boolean masked; // whether any prompt was

  ExampleTokenizer(TextFormat format, TokenEncoding encoding, LossMask mask, TokenCache cache) {
    this.format = format;
    this.encoding = encoding;
    this.cache = cache;
    this.mask = mask;
    this.separator = separator(format, encoding);
  }

  /// End of text where the vocabulary has it. Else examples are parted by a line break, but a
  /// document stays as it is: it has its own.
  static int[] separator(TextFormat format, TokenEncoding encoding) {
    if (encoding.endOfText().isPresent()) {
      return new int[] {encoding.endOfText().getAsInt()};
    }
    return format == TextFormat.DOCUMENT ? new int[0] : encoding.encode("\n");
  }

  /// Adds a complete example.
  void addExample(String text) throws IOException {
    append(text);
    endExample();
  }

  /// Adds a complete example. A part that is masked is tokenized by itself, as it is when the model
  /// is asked, but for special tokens around it. A conversation whose template has ended it with
  /// the end of text gets no second one.
  void addExample(JsonExample example) throws IOException {
    if (!example.hasPrompt() || (mask == LossMask.NONE && !example.conversation())) {
      example.parts().forEach(part -> pending.append(part.text()));
      addExample("");
      return;
    }
    masked = true;
    TokenSink sink = cache::add;
    for (JsonExample.Part part : example.parts()) {
      sink = part.target() ? cache::add : cache::addMasked;
      append(part.text(), sink);
      tokenize(pending.toString(), sink);
      pending.setLength(0);
    }
    if (!(example.conversation() && isEnded())) {
      sink.take(separator);
    }
    finishExample();
  }

  /// Whether the last part has an end of text, followed by a line break at most.
  private boolean isEnded() {
    return encoding.endOfText().isPresent()
        && Arrays.stream(last)
            .skip(Math.max(0, last.length - 2))
            .anyMatch(token -> token == encoding.endOfText().getAsInt());
  }

  /// Adds to the current example.
  void append(String text) throws IOException {
    append(text, cache::add);
  }

  private void append(String text, TokenSink sink) throws IOException {
    pending.append(text);
    int start = 0;
    for (int end = pieceEnd(pending, 0); end < pending.length(); end = pieceEnd(pending, start)) {
      tokenize(pending.substring(start, end), sink);
      start = end;
    }
    pending.delete(0, start);
  }

  /// The end of the piece of a text that begins there: that of the text, if it is short enough.
  static int pieceEnd(CharSequence text, int start) {
    return text.length() - start > PIECE
        ? start + cut(text.subSequence(start, start + PIECE + 1).toString())
        : text.length();
  }

  /// Ends the current example.
  void endExample() throws IOException {
    tokenize(pending.toString(), cache::add);
    pending.setLength(0);
    cache.add(separator);
    finishExample();
  }

  private void finishExample() {
    cache.endRecord();
    lengths.add(cache.size() - begin);
    begin = cache.size();
    examples++;
  }

  private void tokenize(String text, TokenSink sink) throws IOException {
    if (!text.isEmpty()) {
      last = encoding.encode(text);
      sink.take(last);
      bytes += text.getBytes(StandardCharsets.UTF_8).length;
    }
  }

  /// Where to cut a text that is one character longer than a piece: after a line break, else before
  /// a space, so that few tokenizers see a difference; a surrogate pair stays whole.
  private static int cut(String text) {
    int end = text.length() - 1;
    int line = text.lastIndexOf('\n', end - 1) + 1;
    if (line > end / 2) {
      return line;
    }
    int space = text.lastIndexOf(' ', end);
    if (space > end / 2) {
      return space;
    }
    return Character.isLowSurrogate(text.charAt(end)) ? end - 1 : end;
  }

  /// What has been taken in.
  ///
  /// @param bad the records that were not
  /// @throws BadRecordException if nothing was taken in, or no prompt where these are masked
  DataReport report(BadRecords bad) throws BadRecordException {
    if (bytes == 0) {
      throw bad.nothing(
          "example",
          "give a file with text in it (read as %s, see text_format)".formatted(format.key()));
    }
    if (mask == LossMask.PROMPTS && !masked) {
      throw bad.nothing(
          "question",
          "completion_only_loss needs records with \"query\" and \"answer\", or \"messages\"; leave"
              + " it out");
    }
    return new DataReport(
        examples, cache.size(), bytes, bad.skipped(), bad.firstReasons(), lengths);
  }
}
