package bitnet.tokenizer;

import java.util.Arrays;
import java.util.Optional;

/// Decodes ids one at a time: each call gives the text that became complete. A character whose
/// bytes are spread over several tokens appears when its last byte is there, never as U+FFFD
/// before.
///
/// The pieces joined are what [Tokenizer#decode] gives for all the ids. One exception: where the
/// tokenizer falls back to byte tokens and their bytes are not UTF-8, this gives one U+FFFD for
/// each bad sequence and keeps the valid characters around it.
///
/// For one text, one thread.
public final class StreamDecoder {
  private final Tokenizer tokenizer;
  private final Utf8Decoder utf8 = new Utf8Decoder();
  private int[] previous = {};

  StreamDecoder(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /// Takes the next id and returns the text it completes, possibly none.
  ///
  /// @throws IllegalArgumentException if the vocabulary has no such id
  public String next(int id) {
    tokenizer.checkId(id);
    if (tokenizer.isSpecial(id)) {
      return "";
    }
    Optional<byte[]> raw = tokenizer.rawBytes(id);
    String text = raw.isPresent() ? utf8.next(raw.get()) : finish() + joined(id);
    previous = new int[] {id};
    return text;
  }

  /// Ends the text: what was still incomplete appears as U+FFFD. The decoder can then take more
  /// ids.
  public String finish() {
    return utf8.finish();
  }

  /// A decoder may treat the first token of a text in its own way (most take off a space), so the
  /// token is decoded after its predecessor.
  private String joined(int id) {
    String before = tokenizer.decode(previous);
    int[] both = Arrays.copyOf(previous, previous.length + 1);
    both[previous.length] = id;
    String after = tokenizer.decode(both);
    int shared = 0;
    int limit = Math.min(before.length(), after.length());
    while (shared < limit && before.charAt(shared) == after.charAt(shared)) {
      shared++;
    }
    return after.substring(shared);
  }
}
