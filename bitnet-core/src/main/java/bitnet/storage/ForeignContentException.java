package bitnet.storage;

import java.io.IOException;

/// A file in the place of UTF-8 text that evidently is something else. The message is one line: the
/// file, what it is, what converts it.
public final class ForeignContentException extends IOException {
  private static final long serialVersionUID = 1L;

  ForeignContentException(String message) {
    super(message);
  }
}
