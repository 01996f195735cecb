package bitnet.tokenizer.jinja;

import bitnet.tokenizer.jinja.Value.Function;
import bitnet.tokenizer.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// A loop over items and the `loop` of its body. Items are asked for one at a time, since the
/// loop's condition may depend on what its body has done.
final class Loop {
  private final Iterator<Object> source;
  private final List<Object> items = new ArrayList<>(); // all that were asked for
  private int index = -1;
  private boolean called;
  private List<Object> last = List.of();

  Loop(Iterator<Object> source) {
    this.source = source;
  }

  /// Goes to the next item; false at the end.
  boolean next() {
    if (!has(index + 1)) {
      return false;
    }
    index++;
    return true;
  }

  Object item() {
    return items.get(index);
  }

  private boolean has(int place) {
    while (items.size() <= place && source.hasNext()) {
      items.add(source.next());
    }
    return items.size() > place;
  }

  private long length() {
    source.forEachRemaining(items::add);
    return items.size();
  }

  Object attribute(String name) {
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> length() - index;
      case "revindex0" -> length() - index - 1L;
      case "first" -> index == 0;
      case "last" -> !has(index + 1);
      case "length" -> length();
      case "depth" -> 1L; // only recursive loops are deeper
      case "depth0" -> 0L;
      case "previtem" -> index == 0 ? new Undefined("loop.previtem") : items.get(index - 1);
      case "nextitem" -> has(index + 1) ? items.get(index + 1) : new Undefined("loop.nextitem");
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
