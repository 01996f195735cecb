package bitnet.server;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/// What the server has done since it started, as Prometheus text.
final class Counters {
  final LongAdder requests = new LongAdder();
  final LongAdder failures = new LongAdder();
  final LongAdder promptTokens = new LongAdder();
  final LongAdder cachedTokens = new LongAdder(); // of prompts, from the prefix cache
  final LongAdder predictedTokens = new LongAdder();
  final AtomicInteger sequences = new AtomicInteger();
  private final long started = System.nanoTime();

  /// Counts sequences as present unless there would be too many.
  boolean admit(int more, int most) {
    if (sequences.addAndGet(more) > most) {
      sequences.addAndGet(-more);
      return false;
    }
    return true;
  }

  String text(int slots) {
    int present = sequences.get();
    StringBuilder text = new StringBuilder();
    line(text, "requests_total", "counter", requests.sum());
    line(text, "request_failures_total", "counter", failures.sum());
    line(text, "prompt_tokens_total", "counter", promptTokens.sum());
    line(text, "prompt_tokens_cached_total", "counter", cachedTokens.sum());
    line(text, "tokens_predicted_total", "counter", predictedTokens.sum());
    line(text, "sequences_processing", "gauge", Math.min(present, slots));
    line(text, "sequences_deferred", "gauge", Math.max(0, present - slots));
    line(text, "uptime_seconds", "gauge", (System.nanoTime() - started) / 1_000_000_000L);
    return text.toString();
  }

  private static void line(StringBuilder text, String name, String type, long value) {
    text.append(
        String.format(Locale.ROOT, "# TYPE bitnet_%s %s%nbitnet_%s %d%n", name, type, name, value)
            .replace("\r\n", "\n"));
  }
}
