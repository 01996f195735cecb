package bitnet.hub;

/// A file of a repository.
///
/// @param path in the repository
/// @param size in bytes, or -1 if the hub does not say it
/// @param hash sha256 (64 digits) or git blob sha1 (40 digits); empty if the hub does not say it
record HubFile(String path, long size, String hash) {}
