package bitnet.hub;

import java.util.Locale;

/// What a repository of a hub has.
public enum RepositoryKind {
  /// Weights, with what belongs to them.
  MODEL(""),
  /// Data; its address begins with `datasets/`.
  DATASET("datasets/");

  private final String address;

  RepositoryKind(String address) {
    this.address = address;
  }

  /// What the address of a repository begins with, behind that of the hub.
  String address() {
    return address;
  }

  /// The kind in the addresses of the API: `models`.
  String plural() {
    return name().toLowerCase(Locale.ROOT) + "s";
  }

  /// What its directory of the cache begins with.
  String prefix() {
    return plural() + "--";
  }
}
