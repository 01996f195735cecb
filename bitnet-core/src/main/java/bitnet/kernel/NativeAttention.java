package bitnet.kernel;

import static bitnet.kernel.NativeKernels.checkBytes;
import static bitnet.kernel.NativeKernels.checkFloats;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/// Attention in C (`src/main/c/attention.h`), which gets its rows in a table of addresses.
final class NativeAttention {
  private static final MethodHandle ATTEND =
      NativeKernels.handle(
          FunctionDescriptor.ofVoid(
              ADDRESS,
              JAVA_INT,
              JAVA_INT,
              ADDRESS,
              ADDRESS,
              JAVA_INT,
              JAVA_INT,
              JAVA_INT,
              JAVA_INT,
              JAVA_FLOAT,
              ADDRESS));

  private static final int MOST_ROWS = TernaryKernels.HEADS_TOGETHER;

  // attention_row of kernels.h: four pointers and a count
  private static final int ROW_WORDS = 5;
  private static final ThreadLocal<MemorySegment> TABLE =
      ThreadLocal.withInitial(
          () -> Arena.ofAuto().allocate(JAVA_LONG, (long) MOST_ROWS * ROW_WORDS));

  private final MemorySegment function;

  NativeAttention(MemorySegment function) {
    this.function = function;
  }

  /// See [TernaryKernels#attend]. Neighbouring rows with the same shared positions go together.
  void attend(List<AttentionQuery> rows, AttentionHeads heads, MemorySegment scores) {
    for (AttentionQuery row : rows) {
      check(row, heads);
      checkFloats("scores", scores, (long) row.positions() * Math.max(heads.count(), MOST_ROWS));
    }
    int end;
    for (int first = 0; first < rows.size(); first = end) {
      end = first + 1;
      while (end < rows.size()
          && end - first < MOST_ROWS
          && rows.get(end).shared().equals(rows.get(first).shared())) {
        end++;
      }
      attendTogether(rows.subList(first, end), heads, scores);
    }
  }

  private static void check(AttentionQuery row, AttentionHeads heads) {
    checkFloats("queries", row.queries(), heads.values());
    checkCached(row.shared(), heads);
    checkCached(row.own(), heads);
    checkFloats("out", row.out(), heads.values());
  }

  private static void checkCached(CachedKeysValues rows, AttentionHeads heads) {
    long bytes = (long) rows.positions() * heads.headDim() * heads.type().bytes();
    checkBytes("keys", rows.keys(), bytes);
    checkBytes("values", rows.values(), bytes);
  }

  private void attendTogether(
      List<AttentionQuery> rows, AttentionHeads heads, MemorySegment scores) {
    MemorySegment table = TABLE.get();
    for (int row = 0; row < rows.size(); row++) {
      write(rows.get(row), table, (long) row * ROW_WORDS);
    }
    CachedKeysValues shared = rows.getFirst().shared();
    int half = heads.type() == CacheType.FP16 ? 1 : 0;
    try {
      ATTEND.invokeExact(
          function,
          table,
          rows.size(),
          heads.count(),
          shared.keys(),
          shared.values(),
          shared.positions(),
          common(rows),
          half,
          heads.headDim(),
          heads.scale(),
          scores);
    } catch (Throwable failure) {
      throw NativeKernels.unchecked(failure);
    }
  }

  private static void write(AttentionQuery row, MemorySegment table, long word) {
    table.setAtIndex(JAVA_LONG, word, address(row.queries()));
    table.setAtIndex(JAVA_LONG, word + 1, address(row.out()));
    table.setAtIndex(JAVA_LONG, word + 2, address(row.own().keys()));
    table.setAtIndex(JAVA_LONG, word + 3, address(row.own().values()));
    table.setAtIndex(JAVA_LONG, word + 4, row.own().positions());
  }

  private static long address(MemorySegment segment) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException("a segment of the heap; use one off the heap");
    }
    return segment.address();
  }

  /// How many own positions all rows have, in the same place: those of one sequence.
  private static int common(List<AttentionQuery> rows) {
    CachedKeysValues own = rows.getFirst().own();
    int common = own.positions();
    for (AttentionQuery row : rows) {
      common = row.own().keys().equals(own.keys()) ? Math.min(common, row.own().positions()) : 0;
    }
    return common;
  }
}
