package bitnet.generation;

import java.util.List;

/// Lets a text through piece by piece up to the first stop string. What could be the beginning of
/// one is held back until the text continues differently.
final class StopStrings {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean found;

  StopStrings(List<String> stops) {
    this.stops = List.copyOf(stops);
  }

  /// Takes the next piece and returns the text that can be shown, possibly none.
  String accept(String piece) {
    if (found) {
      return "";
    }
    held.append(piece);
    int end = stops.stream().mapToInt(held::indexOf).filter(at -> at >= 0).min().orElse(-1);
    found = end >= 0;
    String shown = held.substring(0, found ? end : held.length() - beginningOfStop());
    held.delete(0, shown.length());
    return shown;
  }

  /// Whether a stop string has appeared.
  boolean found() {
    return found;
  }

  /// The text that was held back and is no stop string, to be asked for at the end.
  String rest() {
    return found ? "" : held.toString();
  }

  /// The length of the longest end of the held text that a stop string begins with.
  private int beginningOfStop() {
    String text = held.toString();
    int longest = 0;
    for (String stop : stops) {
      for (int length = Math.min(stop.length() - 1, text.length()); length > longest; length--) {
        if (stop.startsWith(text.substring(text.length() - length))) {
          longest = length;
        }
      }
    }
    return longest;
  }
}
