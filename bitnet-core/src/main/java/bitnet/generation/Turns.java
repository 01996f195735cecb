package bitnet.generation;

import bitnet.generation.BatchScheduler.Ticket;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// Requests that wait for a slot. Owners take turns: one with many requests, or a request of many
/// samples, does not keep the others waiting. Requests of one owner keep their order.
final class Turns {
  private final Map<Object, Deque<Ticket>> byOwner =
      new LinkedHashMap<>(); // whose turn it is first

  void add(Ticket ticket) {
    byOwner.computeIfAbsent(ticket.owner, owner -> new ArrayDeque<>()).addLast(ticket);
  }

  /// Adds a request that is to be taken before the others of its owner.
  void addFirst(Ticket ticket) {
    byOwner.computeIfAbsent(ticket.owner, owner -> new ArrayDeque<>()).addFirst(ticket);
  }

  /// Removes the next request, or returns null if none waits.
  @Nullable Ticket next() {
    if (byOwner.isEmpty()) {
      return null;
    }
    Iterator<Map.Entry<Object, Deque<Ticket>>> first = byOwner.entrySet().iterator();
    Map.Entry<Object, Deque<Ticket>> turn = first.next();
    Object owner = turn.getKey();
    Deque<Ticket> tickets = turn.getValue();
    first.remove();
    Ticket ticket = tickets.removeFirst();
    if (!tickets.isEmpty()) {
      byOwner.put(owner, tickets); // after the other owners
    }
    return ticket;
  }

  /// Removes some requests and returns them.
  List<Ticket> remove(Predicate<Ticket> some) {
    List<Ticket> removed = new ArrayList<>();
    byOwner
        .values()
        .forEach(tickets -> tickets.removeIf(ticket -> some.test(ticket) && removed.add(ticket)));
    byOwner.values().removeIf(Deque::isEmpty);
    return removed;
  }

  void cancelAll() {
    byOwner.values().forEach(tickets -> tickets.forEach(Ticket::cancel));
  }

  boolean isEmpty() {
    return byOwner.isEmpty();
  }
}
