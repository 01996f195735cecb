package bitnet.storage;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;

/// Reads files of one kind that are not UTF-8 text as text: decompresses them, or writes their
/// records as JSON lines. [TextInput#openData] finds implementations by [java.util.ServiceLoader],
/// so that this module needs none of their libraries.
public interface ContentDecoder {
  /// What messages call the kind, for example `Parquet`.
  String kind();

  /// Whether content that begins so is of this kind.
  ///
  /// @param start its first bytes, at most 16
  boolean recognizes(byte... start);

  /// Whether the text is JSON lines, one record a line, whatever the name of the file says.
  boolean isRecords();

  /// The content as UTF-8 text. Closing the text closes the content.
  ///
  /// @param file where the content is from; may be a pipe, which cannot be opened again
  /// @param content from its first byte
  /// @throws IOException if the content is damaged; reading the text may throw it as well
  InputStream decode(Path file, InputStream content) throws IOException;
}
