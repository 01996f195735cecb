package bitnet.grammar;

import bitnet.grammar.Grammar.Edge;
import bitnet.grammar.Grammar.Node;
import bitnet.grammar.Grammar.Rule;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// A grammar made deterministic as far as texts go: a state is a set of places in rules, each with
/// the rules that called it. States are kept, so that a text that gets to a known one takes a table
/// look-up for a byte. One thread at a time uses it.
final class ByteAutomaton {
  private static final int MOST_DEPTH = 64; // containers within each other
  private static final int MOST_STATES = 20_000; // kept
  private static final int MOST_FRAMES = 200_000;

  private final List<Frame> frames = new ArrayList<>();
  private final Map<Long, Frame> frameOfKey = new HashMap<>();
  private final Map<List<Integer>, State> stateOfFrames = new HashMap<>();
  private final State start;

  /// A place in a rule, and where its callers go on.
  private record Frame(int id, Node node, @Nullable Frame caller, int depth) {}

  /// What may follow.
  static final class State {
    final boolean isComplete; // a text may end here
    final boolean isFinal; // and nothing may follow
    private final List<Frame> places;
    private final State[] next = new State[256];
    @Nullable TokenMask mask; // made when it is asked for

    private State(List<Frame> places, boolean isComplete) {
      this.places = places;
      this.isComplete = isComplete;
      this.isFinal = places.isEmpty();
    }

    /// Whether no text goes on from here.
    boolean isDead() {
      return isFinal && !isComplete;
    }
  }

  /// @throws IllegalArgumentException if no finite text has the grammar's form
  ByteAutomaton(Grammar grammar, Rule root) {
    grammar.measure();
    if (root.depth() > MOST_DEPTH) {
      throw new IllegalArgumentException(
          "the schema has no finite value, or one nested deeper than %d".formatted(MOST_DEPTH));
    }
    start = close(List.of(frame(root.start, null, 0)));
  }

  State start() {
    return start;
  }

  /// Whether so many places have been met that a new automaton should take the place of this one.
  boolean isLarge() {
    return frames.size() > MOST_FRAMES;
  }

  /// The state after a byte; a dead one if the byte may not follow.
  State next(State state, int value) {
    State known = state.next[value];
    if (known == null) {
      List<Frame> reached = new ArrayList<>();
      for (Frame place : state.places) {
        for (Edge edge : place.node.edges) {
          if (edge instanceof Edge.Bytes bytes && bytes.low() <= value && value <= bytes.high()) {
            reached.add(frame(bytes.target(), place.caller, place.depth));
          }
        }
      }
      known = close(reached);
      state.next[value] = known;
    }
    return known;
  }

  private Frame frame(Node node, @Nullable Frame caller, int depth) {
    long key = (long) node.id << Integer.SIZE | (caller == null ? 0 : caller.id + 1);
    return frameOfKey.computeIfAbsent(
        key,
        each -> {
          Frame frame = new Frame(frames.size(), node, caller, depth);
          frames.add(frame);
          return frame;
        });
  }

  /// The state of all places that are reached without taking a byte.
  private State close(List<Frame> reached) {
    TreeSet<Integer> takesByte = new TreeSet<>();
    TreeSet<Integer> seen = new TreeSet<>();
    Deque<Frame> open = new ArrayDeque<>(reached);
    boolean isComplete = false;
    while (!open.isEmpty()) {
      Frame frame = open.removeLast();
      if (!seen.add(frame.id)) {
        continue;
      }
      if (frame.node.isEnd) {
        if (frame.caller == null) {
          isComplete = true;
        } else {
          open.add(frame.caller);
        }
      }
      for (Edge edge : frame.node.edges) {
        switch (edge) {
          case Edge.Bytes bytes -> takesByte.add(frame.id);
          case Edge.Empty empty -> open.add(frame(empty.target(), frame.caller, frame.depth));
          case Edge.Call call -> enter(call, frame, open);
        }
      }
    }
    List<Integer> key = new ArrayList<>(takesByte);
    key.add(isComplete ? -1 : -2);
    if (stateOfFrames.size() >= MOST_STATES) {
      stateOfFrames.clear(); // texts in the making keep the states that they need
    }
    boolean complete = isComplete;
    return stateOfFrames.computeIfAbsent(
        key, each -> new State(takesByte.stream().map(frames::get).toList(), complete));
  }

  /// Goes into a rule where one of its texts fits the bound of nesting.
  private void enter(Edge.Call call, Frame frame, Deque<Frame> open) {
    Rule rule = call.rule();
    if (rule.depth() == Grammar.ENDLESS || frame.depth + rule.depth() > MOST_DEPTH) {
      return;
    }
    Frame back = frame(call.target(), frame.caller, frame.depth);
    open.add(frame(rule.start, back, frame.depth + (rule.isContainer ? 1 : 0)));
  }
}
