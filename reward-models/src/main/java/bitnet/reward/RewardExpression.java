package bitnet.reward;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// A small expression over rewards: `0.7*f1 + 0.3*format`, `format*(final_answer - 0.1)`.
///
/// Numbers, names, `+ - * /` and brackets, with the usual precedence; a name may have numbers or
/// words as arguments, `length(200, 400)`, `f1(no_articles)`. A name stands for the outcome of its
/// reward, which is asked once however often it occurs. A quotient by zero makes no finite reward
/// and is refused when it comes up.
final class RewardExpression implements Reward {

  /// A node of the parsed expression.
  private sealed interface Node {
    double value(Map<String, Double> outcomes);
  }

  private record Constant(double value) implements Node {
    @Override
    public double value(Map<String, Double> outcomes) {
      return value;
    }
  }

  private record Named(String key) implements Node {
    @Override
    public double value(Map<String, Double> outcomes) {
      return outcomes.getOrDefault(key, Double.NaN);
    }
  }

  private record Operation(char symbol, Node left, Node right) implements Node {
    @Override
    public double value(Map<String, Double> outcomes) {
      double a = left.value(outcomes);
      double b = right.value(outcomes);
      return switch (symbol) {
        case '+' -> a + b;
        case '-' -> a - b;
        case '*' -> a * b;
        default -> a / b;
      };
    }
  }

  private final Node root;
  private final Map<String, Reward> rewards;

  private RewardExpression(Node root, Map<String, Reward> rewards) {
    this.root = root;
    this.rewards = rewards;
  }

  /// Parses an expression.
  ///
  /// @param rewards makes the reward of a name with its arguments: `f1`, `length(200,400)`
  /// @throws IllegalArgumentException if it is none, saying where; or if a name is unknown
  static RewardExpression parse(String text, Function<RewardName, Reward> rewards) {
    Parser parser = new Parser(text, rewards);
    return new RewardExpression(parser.parse(), parser.named);
  }

  /// The reward itself where the expression is no more than its name.
  Reward unwrapped() {
    return root instanceof Named ? rewards.values().iterator().next() : this;
  }

  @Override
  public RewardScore score(String query, String reference, String completion) {
    Map<String, Double> outcomes = new LinkedHashMap<>();
    rewards.forEach(
        (key, reward) -> outcomes.put(key, reward.score(query, reference, completion).outcome()));
    return RewardScore.of(root.value(outcomes));
  }

  @Override
  public void close() {
    rewards.values().forEach(Reward::close);
  }

  private static final class Parser {
    private static final int DEEPEST = 100;

    private final String text;
    private final Function<RewardName, Reward> rewards;
    private final Map<String, Reward> named = new LinkedHashMap<>();
    private int at;
    private int depth;

    Parser(String text, Function<RewardName, Reward> rewards) {
      this.text = text;
      this.rewards = rewards;
    }

    Node parse() {
      Node sum = sum();
      if (at < text.length()) {
        throw fault("an operator");
      }
      return sum;
    }

    private Node sum() {
      Node left = product();
      while (true) {
        if (takes('+')) {
          left = new Operation('+', left, product());
        } else if (takes('-')) {
          left = new Operation('-', left, product());
        } else {
          return left;
        }
      }
    }

    private Node product() {
      Node left = factor();
      while (true) {
        if (takes('*')) {
          left = new Operation('*', left, factor());
        } else if (takes('/')) {
          left = new Operation('/', left, factor());
        } else {
          return left;
        }
      }
    }

    private Node factor() {
      if (++depth > DEEPEST) {
        throw fault("fewer brackets");
      }
      Node node;
      if (takes('-')) {
        node = new Operation('-', new Constant(0), factor());
      } else if (takes('(')) {
        node = sum();
        require(')');
      } else if (at < text.length() && isNumeric(text.charAt(at))) {
        node = new Constant(number());
      } else {
        node = name();
      }
      depth--;
      return node;
    }

    private Node name() {
      int start = at;
      while (at < text.length() && isLetter(text.charAt(at))) {
        at++;
      }
      if (at == start) {
        throw fault("a number, a name or a bracket");
      }
      String name = text.substring(start, at);
      List<String> arguments = new ArrayList<>();
      if (takes('(')) {
        do {
          arguments.add(argument());
        } while (takes(','));
        require(')');
      }
      RewardName full = new RewardName(name, arguments);
      named.computeIfAbsent(full.toString(), key -> rewards.apply(full));
      return new Named(full.toString());
    }

    /// A number or a word.
    private String argument() {
      skipSpace();
      if (at < text.length() && !isNumeric(text.charAt(at)) && isLetter(text.charAt(at))) {
        int start = at;
        while (at < text.length() && isLetter(text.charAt(at))) {
          at++;
        }
        return text.substring(start, at);
      }
      double number = number();
      return number % 1 == 0 && number <= Long.MAX_VALUE ? "" + (long) number : "" + number;
    }

    private double number() {
      skipSpace();
      int start = at;
      while (at < text.length() && isNumeric(text.charAt(at))) {
        at++;
      }
      try {
        return Double.parseDouble(text.substring(start, at));
      } catch (NumberFormatException none) {
        at = start;
        throw fault("a number");
      }
    }

    private static boolean isNumeric(char character) {
      return (character >= '0' && character <= '9') || character == '.';
    }

    private static boolean isLetter(char character) {
      return Character.isLetterOrDigit(character) || character == '_';
    }

    private void require(char symbol) {
      if (!takes(symbol)) {
        throw fault("\"" + symbol + "\"");
      }
    }

    private boolean takes(char symbol) {
      skipSpace();
      boolean there = at < text.length() && text.charAt(at) == symbol;
      at += there ? 1 : 0;
      skipSpace();
      return there;
    }

    private void skipSpace() {
      while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
        at++;
      }
    }

    private IllegalArgumentException fault(String wanted) {
      return new IllegalArgumentException(
          "reward \"%s\": %s is wanted at character %d%s; write it like 0.7*f1+0.3*format"
              .formatted(
                  text,
                  wanted,
                  at + 1,
                  at < text.length() ? ", not \"" + text.charAt(at) + "\"" : ", the end"));
    }
  }
}
