package bitnet.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// A recursive transition network over bytes: rules that are graphs of nodes, whose edges take a
/// byte, nothing, or what another rule takes.
final class Grammar {
  /// A rule that no text can end has this depth.
  static final int ENDLESS = Integer.MAX_VALUE;

  private static final int MOST_NODES = 200_000;

  private final List<Node> nodes = new ArrayList<>();
  private final List<Rule> rules = new ArrayList<>();

  /// A place in a rule.
  static final class Node {
    final int id;
    final List<Edge> edges = new ArrayList<>();
    boolean isEnd; // of its rule
    private int depth = ENDLESS; // containers that must be opened to get to the end

    private Node(int id) {
      this.id = id;
    }
  }

  /// A way from one node to another.
  sealed interface Edge {
    /// Takes a byte.
    record Bytes(int low, int high, Node target) implements Edge {}

    /// Takes nothing.
    record Empty(Node target) implements Edge {}

    /// Takes what a rule takes.
    record Call(Rule rule, Node target) implements Edge {}
  }

  /// A named graph.
  static final class Rule {
    final Node start;
    final Node end;
    final boolean isContainer;

    private Rule(Node start, Node end, boolean isContainer) {
      this.start = start;
      this.end = end;
      this.isContainer = isContainer;
      end.isEnd = true;
    }

    /// Containers that must be opened at least for a text of this rule, [#ENDLESS] if there is no
    /// finite one.
    int depth() {
      return start.depth == ENDLESS ? ENDLESS : start.depth + (isContainer ? 1 : 0);
    }
  }

  /// A new node.
  ///
  /// @throws IllegalArgumentException if there are too many, which would take too long
  Node node() {
    if (nodes.size() >= MOST_NODES) {
      throw new IllegalArgumentException("the schema is too large");
    }
    Node node = new Node(nodes.size());
    nodes.add(node);
    return node;
  }

  /// A rule without edges.
  ///
  /// @param isContainer whether its nesting is bounded
  Rule rule(boolean isContainer) {
    Rule rule = new Rule(node(), node(), isContainer);
    rules.add(rule);
    return rule;
  }

  /// Adds an edge that takes a byte from a range.
  static void bytes(Node from, int low, int high, Node target) {
    from.edges.add(new Edge.Bytes(low, high, target));
  }

  /// Adds an edge for each character of some, all ASCII.
  static void anyOf(Node from, String characters, Node target) {
    characters.chars().forEach(each -> bytes(from, each, each, target));
  }

  static void empty(Node from, Node target) {
    from.edges.add(new Edge.Empty(target));
  }

  static void call(Node from, Rule rule, Node target) {
    from.edges.add(new Edge.Call(rule, target));
  }

  /// Adds a path that takes a text.
  void text(Node from, String text, Node target) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Node at = from;
    for (int i = 0; i < bytes.length; i++) {
      Node next = i == bytes.length - 1 ? target : node();
      bytes(at, Byte.toUnsignedInt(bytes[i]), Byte.toUnsignedInt(bytes[i]), next);
      at = next;
    }
    if (bytes.length == 0) {
      empty(from, target);
    }
  }

  /// Lets a rule begin with any bytes up to the first occurrence of a marker, and end before it
  /// (Knuth, Morris and Pratt's automaton).
  ///
  /// @param found where the rule goes on after the marker
  void freeUntil(Rule rule, String marker, Node found) {
    byte[] bytes = marker.getBytes(StandardCharsets.UTF_8);
    Node[] after = new Node[bytes.length + 1]; // so many bytes of the marker
    for (int i = 0; i < bytes.length; i++) {
      after[i] = i == 0 ? rule.start : node();
      empty(after[i], rule.end);
    }
    after[bytes.length] = found;
    for (int i = 0; i < bytes.length; i++) {
      int first = 0;
      for (int value = 1; value <= 256; value++) {
        if (value == 256 || matched(bytes, i, value) != matched(bytes, i, first)) {
          bytes(after[i], first, value - 1, after[matched(bytes, i, first)]);
          first = value;
        }
      }
    }
  }

  /// The length of the longest beginning of a marker that some first bytes of it and one more end
  /// with.
  private static int matched(byte[] marker, int length, int next) {
    byte[] text = Arrays.copyOf(marker, length + 1);
    text[length] = (byte) next;
    for (int most = length + 1; most > 0; most--) {
      if (Arrays.equals(text, text.length - most, text.length, marker, 0, most)) {
        return most;
      }
    }
    return 0;
  }

  /// Finds the depths of all rules.
  void measure() {
    rules.forEach(rule -> rule.end.depth = 0);
    boolean changed = true;
    while (changed) {
      changed = false;
      for (Node node : nodes.reversed()) { // most edges lead to later nodes
        for (Edge edge : node.edges) {
          int depth =
              switch (edge) {
                case Edge.Bytes bytes -> bytes.target.depth;
                case Edge.Empty empty -> empty.target.depth;
                case Edge.Call call -> Math.max(call.rule.depth(), call.target.depth);
              };
          if (depth < node.depth) {
            node.depth = depth;
            changed = true;
          }
        }
      }
    }
  }

  /// Checks that no rule can call itself before it takes a byte, which would never end.
  ///
  /// @throws IllegalArgumentException if one can
  void requireNoLeftRecursion() {
    Set<Rule> nullable = nullable();
    Map<Rule, Set<Rule>> firstCalls = new HashMap<>();
    rules.forEach(rule -> firstCalls.put(rule, firstCalls(rule, nullable)));
    boolean changed = true;
    while (changed) { // rules that only call rules without any are removed until none is left
      changed =
          firstCalls
              .entrySet()
              .removeIf(each -> each.getValue().stream().noneMatch(firstCalls::containsKey));
    }
    if (!firstCalls.isEmpty()) {
      throw new IllegalArgumentException(
          "the schema refers to itself without an object or array between; put one there");
    }
  }

  /// The rules that may take nothing.
  private Set<Rule> nullable() {
    Set<Rule> nullable = new HashSet<>();
    boolean changed = true;
    while (changed) {
      changed = false;
      for (Rule rule : rules) {
        if (!nullable.contains(rule) && reachedFree(rule, nullable).contains(rule.end)) {
          nullable.add(rule);
          changed = true;
        }
      }
    }
    return nullable;
  }

  /// The nodes of a rule that are reached without a byte.
  private static Set<Node> reachedFree(Rule rule, Set<Rule> nullable) {
    Set<Node> reached = new HashSet<>();
    Deque<Node> open = new ArrayDeque<>(List.of(rule.start));
    while (!open.isEmpty()) {
      Node node = open.removeLast();
      if (reached.add(node)) {
        for (Edge edge : node.edges) {
          switch (edge) {
            case Edge.Bytes bytes -> {}
            case Edge.Empty empty -> open.add(empty.target);
            case Edge.Call call -> {
              if (nullable.contains(call.rule)) {
                open.add(call.target);
              }
            }
          }
        }
      }
    }
    return reached;
  }

  private static Set<Rule> firstCalls(Rule rule, Set<Rule> nullable) {
    Set<Rule> calls = new HashSet<>();
    for (Node node : reachedFree(rule, nullable)) {
      for (Edge edge : node.edges) {
        if (edge instanceof Edge.Call call) {
          calls.add(call.rule);
        }
      }
    }
    return calls;
  }
}
