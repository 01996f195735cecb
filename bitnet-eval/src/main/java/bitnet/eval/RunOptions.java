package bitnet.eval;

import bitnet.training.OptionValues;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Everything that determines the samples of a model, by name: the task, its records and settings,
/// the model, and how it is computed.
///
/// @param values digests stand for contents
record RunOptions(OptionValues values) {

  /// The form in which samples hold it: `task=qa&samples=1&...`, encoded as in a URL.
  String text() {
    return values.values().entrySet().stream()
        .map(
            option ->
                option.getKey()
                    + "="
                    + URLEncoder.encode(option.getValue(), StandardCharsets.UTF_8))
        .collect(Collectors.joining("&"));
  }

  /// What differs from the options of samples, by name.
  ///
  /// @param run what a sample holds; a digest in those of former versions
  List<String> differences(String run) {
    Map<String, String> saved = new LinkedHashMap<>();
    for (String option : run.split("&", -1)) {
      int end = option.indexOf('=');
      if (end < 0) {
        return List.of("they are of another version, other records or another model");
      }
      saved.put(option.substring(0, end), decoded(option.substring(end + 1)));
    }
    return values.differences(saved);
  }

  private static String decoded(String value) {
    try {
      return URLDecoder.decode(value, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException damaged) {
      return value;
    }
  }
}
