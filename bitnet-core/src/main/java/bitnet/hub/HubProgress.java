package bitnet.hub;

/// Hears how far a download is.
@FunctionalInterface
public interface HubProgress {
  /// Bytes of a file have arrived.
  ///
  /// @param file in the repository
  /// @param bytes that are there, with those of earlier tries
  /// @param total of the file, or -1 where the hub does not say it
  void advanced(String file, long bytes, long total);
}
