package bitnet.spark;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/// What becomes of the elements of another iterator: none, one or some for each.
final class Expanded<A, B> implements Iterator<B> {
  private final Iterator<A> source;
  private final BiConsumer<A, Consumer<B>> expansion;
  private final Deque<B> ready = new ArrayDeque<>();

  /// @param expansion gives what an element becomes to a consumer
  Expanded(Iterator<A> source, BiConsumer<A, Consumer<B>> expansion) {
    this.source = source;
    this.expansion = expansion;
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty() && source.hasNext()) {
      expansion.accept(source.next(), ready::add);
    }
    return !ready.isEmpty();
  }

  @Override
  public B next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }
}
