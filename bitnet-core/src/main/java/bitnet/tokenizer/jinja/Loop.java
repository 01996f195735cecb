package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Function;
import bitnet.tokenizer.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.List;

/// The `loop` of a loop's body.
final class Loop {

  private final List<Object> items;
  private int index;
  private boolean called;
  private List<Object> last = List.of();

  Loop(List<Object> items) {
    this.items = items;
  }

  /// Goes to the item at an index.
  void moveTo(int item) {
    this.index = item;
  }

  Object attribute(String name) {
    int size = items.size();
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) size - index;
      case "revindex0" -> size - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == size - 1;
      case "length" -> (long) size;
      case "depth" -> 1L; // only recursive loops are deeper
      case "depth0" -> 0L;
      case "previtem" -> index == 0 ? new Undefined("loop.previtem") : items.get(index - 1);
      case "nextitem" -> index == size - 1 ? new Undefined("loop.nextitem") : items.get(index + 1);
      case "cycle" ->
          (Function)
              arguments -> {
                List<Object> values = arguments.positional();
                if (values.isEmpty()) {
                  throw new JinjaException("loop.cycle has nothing to choose from");
                }
                return values.get(index % values.size());
              };
      case "changed" ->
          (Function)
              arguments -> {
                boolean changed = !called || !Python.equal(last, arguments.positional());
                called = true;
                last = new ArrayList<>(arguments.positional());
                return changed;
              };
      default -> new Undefined("loop." + name);
    };
  }
}
