package bitnet.reward;

import java.util.List;

/// A reward's name with its arguments, numbers or words: `length(200,400)`, `f1(no_articles)`.
record RewardName(String name, List<String> arguments) {
  RewardName {
    arguments = List.copyOf(arguments);
  }

  @Override
  public String toString() {
    return arguments.isEmpty() ? name : name + "(" + String.join(",", arguments) + ")";
  }
}
