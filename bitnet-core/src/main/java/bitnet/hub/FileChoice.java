package bitnet.hub;

import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Which files of a repository a model needs.
final class FileChoice {
  private static final Pattern NEEDED =
      Pattern.compile(
          "[^/]+\\.json|tokenizer\\.model|merges\\.txt|chat_template\\.\\w+"
              + "|[^/]+\\.safetensors");
  private static final Pattern SHARD = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})(\\..*)");
  private static final String GGUF = ".gguf";

  private FileChoice() {}

  /// The needed files, weights last, so that a model with weights is complete.
  ///
  /// @throws HubException if there are none, or if several GGUF files fit
  static List<String> of(HubName name, Collection<String> all) throws HubException {
    List<String> safe = all.stream().filter(FileChoice::isSafe).sorted().toList();
    if (name.selector().isEmpty() && safe.contains("config.json")) {
      List<String> needed = safe.stream().filter(file -> NEEDED.matcher(file).matches()).toList();
      if (needed.stream().anyMatch(FileChoice::isWeights)) {
        return needed.stream()
            .sorted((a, b) -> Boolean.compare(isWeights(a), isWeights(b)))
            .toList();
      }
    }
    return List.of(gguf(name, safe));
  }

  private static String gguf(HubName name, List<String> all) throws HubException {
    List<String> files = all.stream().filter(file -> file.endsWith(GGUF)).toList();
    String wanted = name.selector().toLowerCase(Locale.ROOT);
    List<String> fitting =
        files.stream()
            .filter(
                file ->
                    wanted.isEmpty()
                        || file.equals(name.selector())
                        || file.toLowerCase(Locale.ROOT)
                            .matches(".*[-._/]" + Pattern.quote(wanted) + "\\.gguf"))
            .toList();
    if (fitting.size() == 1) {
      return fitting.getFirst();
    }
    if (files.isEmpty()) {
      throw new HubException(
          "%s has no safetensors with a config.json and no GGUF file; use another repository"
              .formatted(name));
    }
    throw new HubException(
        "%s: %s GGUF file fits; append one of :%s"
            .formatted(
                name, fitting.isEmpty() ? "no" : "more than one", String.join(", :", files)));
  }

  static boolean isWeights(String file) {
    return file.endsWith(".safetensors") || file.endsWith(GGUF);
  }

  /// Whether no shard `NAME-00001-of-00003.ENDING` is missing; datasets count from 0.
  static boolean hasAllNumbers(Collection<String> files) {
    Map<String, BitSet> found = new HashMap<>();
    for (String file : files) {
      Matcher shard = SHARD.matcher(file);
      if (shard.matches()) {
        BitSet numbers =
            found.computeIfAbsent(
                shard.group(1) + "*" + shard.group(3) + shard.group(4), _ -> new BitSet());
        numbers.set(Integer.parseInt(shard.group(2)));
        int count = Integer.parseInt(shard.group(3));
        if (numbers.cardinality() == count) {
          numbers.clear();
          found.remove(shard.group(1) + "*" + shard.group(3) + shard.group(4));
        }
      }
    }
    return found.isEmpty();
  }

  /// No name leaves its directory.
  static boolean isSafe(String file) {
    return !file.isEmpty()
        && !file.startsWith("/")
        && !file.contains("\\")
        && !file.contains(":")
        && List.of(file.split("/", -1)).stream()
            .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
  }
}
