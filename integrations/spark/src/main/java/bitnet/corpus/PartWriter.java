package bitnet.corpus;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/// Writes the documents of a range of keys.
public final class PartWriter implements AutoCloseable {
  private final int number;
  private final int bytesPerToken;
  private final OutputFile tokensFile;
  private final OutputFile lengthsFile;
  private final ByteBuffer length =
      ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private long documents;
  private long tokens;
  private long bytes;
  private long exactDuplicates;
  private long nearDuplicates;

  /// @param directory that all machines see
  /// @param number of the range
  /// @param bytesPerToken 2 or 4
  public PartWriter(Path directory, int number, int bytesPerToken) throws IOException {
    this.number = number;
    this.bytesPerToken = bytesPerToken;
    this.tokensFile = OutputFile.create(ShardPart.tokensFile(directory, number));
    try {
      this.lengthsFile = OutputFile.create(ShardPart.lengthsFile(directory, number));
    } catch (IOException failure) {
      tokensFile.close();
      throw failure;
    }
  }

  /// Writes the next document.
  ///
  /// @param document an [EncodedDocument]
  public void add(byte[] document) throws IOException {
    ByteBuffer encoded = EncodedDocument.tokens(document);
    int count = encoded.remaining() / bytesPerToken;
    tokensFile.write(encoded);
    lengthsFile.write(length.putInt(0, count).clear());
    documents++;
    tokens += count;
    bytes += EncodedDocument.textBytes(document);
  }

  /// Counts a document that is left out.
  public void skipExactDuplicate() {
    exactDuplicates++;
  }

  /// Counts a document that is left out.
  public void skipNearDuplicate() {
    nearDuplicates++;
  }

  /// Puts both files in place.
  public ShardPart finish() throws IOException {
    tokensFile.commit();
    lengthsFile.commit();
    return new ShardPart(number, documents, tokens, bytes, exactDuplicates, nearDuplicates);
  }

  @Override
  public void close() throws IOException {
    try (tokensFile) {
      lengthsFile.close();
    }
  }
}
