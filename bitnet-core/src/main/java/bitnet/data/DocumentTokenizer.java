package bitnet.data;

import java.util.Arrays;

/// Tokenizes documents one by one, into the tokens that a [TextDataset] has of them.
public final class DocumentTokenizer {
  private final TokenEncoding encoding;
  private final int[] separator;

  /// @param wholeFiles whether a document is a file ([TextFormat#DOCUMENT]), which is followed by
  ///     nothing where the vocabulary has no end of text
  public DocumentTokenizer(TokenEncoding encoding, boolean wholeFiles) {
    this.encoding = encoding;
    this.separator =
        ExampleTokenizer.separator(wholeFiles ? TextFormat.DOCUMENT : TextFormat.LINES, encoding);
  }

  /// The tokens of a document, with those that separate it from the next one.
  ///
  /// @throws IllegalArgumentException if the tokenizer gives an id outside the vocabulary
  public int[] tokens(String text) {
    int[] tokens = new int[text.length() / 2 + separator.length];
    int count = 0;
    for (int start = 0; start < text.length(); ) {
      int end = ExampleTokenizer.pieceEnd(text, start);
      int[] piece = encoding.encode(text.substring(start, end));
      tokens = withRoom(tokens, count, piece.length + separator.length);
      System.arraycopy(piece, 0, tokens, count, piece.length);
      count += piece.length;
      start = end;
    }
    System.arraycopy(separator, 0, tokens, count, separator.length);
    return Arrays.copyOf(tokens, count + separator.length);
  }

  private static int[] withRoom(int[] tokens, int used, int more) {
    return used + more <= tokens.length
        ? tokens
        : Arrays.copyOf(tokens, Math.max(used + more, 2 * tokens.length));
  }
}
