package bitnet.hub;

import java.io.IOException;

/// What a hub refused, or what is missing offline, in one line with a remedy. The message never
/// contains a token or the query of a signed address.
public final class HubException extends IOException {
  private static final long serialVersionUID = 1L;

  private final boolean transientFailure;

  HubException(String message) {
    this(message, false);
  }

  HubException(String message, boolean transientFailure) {
    super(message);
    this.transientFailure = transientFailure;
  }

  /// Whether the hub could not be reached or failed, so that a local copy may stand in.
  boolean isTransient() {
    return transientFailure;
  }
}
