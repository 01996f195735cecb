package bitnet.kernel;

import bitnet.kernel.KernelSelector.UnavailableException;
import bitnet.quantization.TernaryRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.atomic.LongAdder;

/// Prints what the vector provider's products reach, in 10^9 multiply-adds a second: a program, not
/// a test. Arguments: `[ternary|int8|int4|float|all] [seconds a figure]`. The best of all
/// repetitions counts, since other programs disturb; `alone` is by the processor time of the
// threads.
final class VectorKernelBenchmark {
  private static final int[][] SHAPES = {{2560, 2560}, {6912, 2560}, {2560, 6912}};
  private static final int[] TOKENS = {1, 128};
  private static final int[] THREADS = {1, 2};
  private static final long WARM_UP_NANOS = 5_000_000_000L;

  private static final ThreadMXBean PROCESSOR = ManagementFactory.getThreadMXBean();

  private final TernaryKernels kernels;
  private final String kind;
  private final double seconds;
  private final Random random = new Random(1);

  private VectorKernelBenchmark(TernaryKernels kernels, String kind, double seconds) {
    this.kernels = kernels;
    this.kind = kind;
    this.seconds = seconds;
  }

  /// Runs it; see above.
  public static void main(String[] arguments) throws UnavailableException {
    String kind = arguments.length > 0 ? arguments[0] : "ternary";
    double seconds = arguments.length > 1 ? Double.parseDouble(arguments[1]) : 1;
    TernaryKernels kernels = VectorModule.open();
    System.out.printf(
        Locale.ROOT,
        "%s, java %s, %s%n",
        kernels.name(),
        Runtime.version(),
        System.getProperty("os.arch"));
    for (String each :
        kind.equals("all") ? List.of("ternary", "int8", "int4", "float") : List.of(kind)) {
      new VectorKernelBenchmark(kernels, each, seconds).run();
    }
  }

  private void run() {
    warmUp();
    for (int[] shape : SHAPES) {
      for (int tokens : TOKENS) {
        for (int threads : THREADS) {
          try (Arena arena = Arena.ofShared();
              ThreadTeam team = new ThreadTeam(threads)) {
            double[] rates = rates(arena, team, shape[0], shape[1], tokens);
            System.out.printf(
                Locale.ROOT,
                "%-8s %5d x %5d  %3d tokens  %d threads  %6.1f GMAC/s, alone %6.1f%n",
                kind,
                shape[0],
                shape[1],
                tokens,
                threads,
                rates[0],
                rates[1]);
          }
        }
      }
    }
  }

  /// Lets the JVM compile.
  private void warmUp() {
    try (Arena arena = Arena.ofShared();
        ThreadTeam team = new ThreadTeam(1)) {
      long end = System.nanoTime() + WARM_UP_NANOS;
      ThreadTeam.RangeBody one = product(arena, team, 8, 1024, 1, floats(arena, 8));
      ThreadTeam.RangeBody many = product(arena, team, 8, 1024, 7, floats(arena, 56));
      while (System.nanoTime() < end) {
        one.run(0, 8);
        many.run(0, 8);
      }
    }
  }

  private double[] rates(Arena arena, ThreadTeam team, int rows, int columns, int tokens) {
    MemorySegment out = arena.allocate(ValueLayout.JAVA_FLOAT, (long) tokens * rows);
    ThreadTeam.RangeBody body = product(arena, team, rows, columns, tokens, out);
    long best = Long.MAX_VALUE;
    long bestBusy = Long.MAX_VALUE;
    long end = System.nanoTime() + (long) (seconds * 1e9);
    while (System.nanoTime() < end) {
      LongAdder busy = new LongAdder();
      long start = System.nanoTime();
      team.forRanges(
          rows,
          kernels.rowsPerTile(),
          (first, last) -> {
            long begun = PROCESSOR.getCurrentThreadCpuTime();
            body.run(first, last);
            busy.add(PROCESSOR.getCurrentThreadCpuTime() - begun);
          });
      best = Math.min(best, System.nanoTime() - start);
      bestBusy = Math.min(bestBusy, busy.sum());
    }
    double products = (double) rows * columns * tokens;
    return new double[] {products / best, products * team.threads() / bestBusy};
  }

  private ThreadTeam.RangeBody product(
      Arena arena, ThreadTeam team, int rows, int columns, int tokens, MemorySegment out) {
    MemorySegment line = floats(arena, columns);
    Activations input = new Activations(arena, tokens, columns);
    for (int token = 0; token < tokens; token++) {
      kernels.quantize(line, input, token);
    }
    return switch (kind) {
      case "ternary" -> {
        TernaryMatrix weights =
            TernaryMatrix.pack(kernels, List.of(trits(rows, columns)), arena, team);
        yield (first, end) -> kernels.multiply(weights, input, tokens, first, end, out, rows);
      }
      case "int8" -> {
        Int8Matrix weights = new Int8Matrix(rows, columns, arena);
        for (int row = 0; row < rows; row++) {
          weights.setRow(row, line.toArray(ValueLayout.JAVA_FLOAT), 0);
        }
        yield (first, end) -> kernels.multiply(weights, input, tokens, first, end, out, rows);
      }
      case "int4" -> {
        Int4Matrix weights = new Int4Matrix(rows, columns, arena);
        for (int row = 0; row < rows; row++) {
          weights.setRow(row, line.toArray(ValueLayout.JAVA_FLOAT), 0);
        }
        yield (first, end) -> kernels.multiply(weights, input, tokens, first, end, out, rows);
      }
      case "float" -> {
        FloatMatrix weights = new FloatMatrix(rows, columns, arena);
        MemorySegment x = floats(arena, tokens * columns);
        yield (first, end) -> kernels.multiply(weights, x, tokens, first, end, out, rows);
      }
      default ->
          throw new IllegalArgumentException(
              "kind \"%s\" is unknown; use ternary, int8, int4, float or all".formatted(kind));
    };
  }

  private MemorySegment floats(Arena arena, int count) {
    MemorySegment values = arena.allocate(ValueLayout.JAVA_FLOAT, count);
    for (int i = 0; i < count; i++) {
      values.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
    }
    return values;
  }

  private TernaryRows trits(int rows, int columns) {
    byte[] trits = new byte[columns];
    for (int k = 0; k < columns; k++) {
      trits[k] = (byte) (random.nextInt(3) - 1);
    }
    return new RepeatedRow(rows, trits);
  }

  /// A matrix whose rows are all the same: the time does not depend on them.
  private record RepeatedRow(int rows, byte[] trits) implements TernaryRows {
    @Override
    public int columns() {
      return trits.length;
    }

    @Override
    public float scale(int row) {
      return 1;
    }

    @Override
    public void unpack(int firstRow, int count, byte[] target) {
      for (int i = 0; i < count; i++) {
        System.arraycopy(trits, 0, target, i * trits.length, trits.length);
      }
    }
  }
}
