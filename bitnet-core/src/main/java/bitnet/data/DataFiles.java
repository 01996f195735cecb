package bitnet.data;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The files of a dataset, in the order of their names: one file or pipe, the shards in a
/// directory, or the files that a pattern with `*` matches, which is any part of a name.
public final class DataFiles {
  private static final Pattern DATA =
      Pattern.compile("[^.].*\\.(jsonl|ndjson|json|txt|parquet)(\\.gz|\\.zst)?");
  private static final Pattern SHARD = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\..*");
  private static final Pattern SPLIT =
      Pattern.compile("(train|test|validation|valid|val|dev|eval)(?![a-z]).*");

  private DataFiles() {}

  /// The files of a dataset; a path without `*` that is not a directory is returned as it is.
  ///
  /// @throws IOException if a directory or a pattern has no data files, has files of several kinds
  ///     or splits, or if a directory lacks a shard
  public static List<Path> of(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      List<Path> files = checked(path.toString(), files(path));
      requireAllShards(path.toString(), files);
      return files;
    }
    if (!path.toString().contains("*") || Files.exists(path)) {
      return List.of(path);
    }
    return checked(path.toString(), matching(path));
  }

  /// The data files among others, in the order of their names, with the same checks: for file
  /// systems that Java does not know.
  ///
  /// @param place a directory or a pattern, for messages
  /// @param files addresses, whose last part is the name of a file
  /// @param directory whether they are all files of a directory
  /// @throws IOException as above
  public static List<String> of(String place, List<String> files, boolean directory)
      throws IOException {
    List<String> data =
        files.stream().filter(file -> DATA.matcher(name(last(file))).matches()).sorted().toList();
    List<Path> names = data.stream().map(DataFiles::last).toList();
    checked(place, names);
    if (directory) {
      requireAllShards(place, names);
    }
    return data;
  }

  private static Path last(String address) {
    return Path.of(address.substring(address.lastIndexOf('/') + 1));
  }

  private static List<Path> matching(Path pattern) throws IOException {
    List<Path> found = List.of(pattern.isAbsolute() ? pattern.getRoot() : Path.of(""));
    for (Path part : pattern) {
      List<Path> next = new ArrayList<>();
      for (Path directory : found) {
        if (!part.toString().contains("*")) {
          next.add(directory.resolve(part));
        } else if (Files.isDirectory(directory)) {
          next.addAll(children(directory, part));
        }
      }
      found = next;
    }
    return found.stream().filter(DataFiles::isData).toList();
  }

  private static List<Path> children(Path directory, Path pattern) throws IOException {
    String literal = pattern.toString().replaceAll("[\\\\?\\[\\]{}]", "\\\\$0");
    PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + literal);
    try (Stream<Path> all = Files.list(directory)) {
      return all.filter(file -> matcher.matches(file.getFileName())).sorted().toList();
    }
  }

  private static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return all.filter(DataFiles::isData).sorted().toList();
    }
  }

  private static boolean isData(Path file) {
    return DATA.matcher(name(file)).matches() && Files.isRegularFile(file);
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
  }

  /// The kind of a data file by its name without the ending of its compression: `jsonl`.
  static String kind(Path file) {
    String plain = name(file).replaceFirst("\\.(gz|zst)$", "");
    return plain.substring(plain.lastIndexOf('.') + 1);
  }

  private static List<Path> checked(String place, List<Path> files) throws IOException {
    if (files.isEmpty()) {
      throw new IOException(
          place
              + " has no file named .jsonl, .json, .txt or .parquet (.gz or .zst behind it); give"
              + " a file or a directory of shards");
    }
    requireOne(place, "kinds", files.stream().map(DataFiles::kind));
    requireOne(
        place,
        "splits",
        files.stream()
            .map(file -> SPLIT.matcher(name(file)))
            .filter(Matcher::matches)
            .map(split -> split.group(1)));
    return files;
  }

  private static void requireOne(String place, String what, Stream<String> values)
      throws IOException {
    TreeSet<String> different = values.collect(Collectors.toCollection(TreeSet::new));
    if (different.size() > 1) {
      throw new IOException(
          "%s has files of several %s (%s); choose with a pattern like %s"
              .formatted(
                  place,
                  what,
                  String.join(", ", different),
                  what.equals("kinds") ? "'DIR/*." + different.first() + "'" : "'DIR/train-*'"));
    }
  }

  private static void requireAllShards(String place, List<Path> files) throws IOException {
    Map<String, BitSet> found = new LinkedHashMap<>();
    for (Path file : files) {
      Matcher shard = SHARD.matcher(name(file));
      if (shard.matches()) {
        int count = Integer.parseInt(shard.group(3));
        BitSet numbers = found.computeIfAbsent(shard.group(1) + "-of-" + count, _ -> new BitSet());
        numbers.set(Integer.parseInt(shard.group(2)));
        numbers.set(count); // a guard behind the last shard
      }
    }
    for (Map.Entry<String, BitSet> shards : found.entrySet()) {
      int missing = shards.getValue().nextClearBit(0);
      if (missing < shards.getValue().length() - 1) {
        throw new IOException(
            "%s lacks shard %05d of %s; download it, or name the files"
                .formatted(place, missing, shards.getKey()));
      }
    }
  }
}
