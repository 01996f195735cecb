package bitnet.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/// A shared arena for weights. On Linux it hands out parts of large mappings, for which it asks the
/// kernel for huge pages: weights are read once a token from front to back, which was often faster
/// with few addresses to translate. Elsewhere, an ordinary shared arena.
///
/// Memory is zero and takes up no pages until it is written.
public final class HugePageArena implements Arena {
  private static final long PAGE_BYTES = 2L << 20;

  /// So large that few end in the midst of a huge page; addresses cost nothing.
  private static final long MAPPING_BYTES = 1L << 30;

  // Linux: PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, MADV_HUGEPAGE
  private static final int READ_AND_WRITE = 3;
  private static final int PRIVATE_AND_ANONYMOUS = 0x22;
  private static final int ADVISE_HUGE_PAGES = 14;
  private static final long FAILED = -1;

  private static final @Nullable MethodHandle MAP =
      find("mmap", ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final @Nullable MethodHandle UNMAP = find("munmap", JAVA_INT, ADDRESS, JAVA_LONG);
  private static final @Nullable MethodHandle ADVISE =
      find("madvise", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);

  private final Arena arena = Arena.ofShared();
  private MemorySegment mapping = MemorySegment.NULL;
  private long used;

  /// An arena without memory.
  public HugePageArena() {}

  @SuppressWarnings("restricted") // the descriptors are those of the manual pages
  private static @Nullable MethodHandle find(
      String name, MemoryLayout result, MemoryLayout... arguments) {
    if (!System.getProperty("os.name", "").equals("Linux")) {
      return null;
    }
    try {
      Linker linker = Linker.nativeLinker();
      return linker.downcallHandle(
          linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, arguments));
    } catch (IllegalCallerException | UnsupportedOperationException denied) {
      return null; // the ordinary arena does
    }
  }

  /// @throws IllegalStateException if the arena is closed
  @Override
  public synchronized MemorySegment allocate(long bytes, long alignment) {
    if (!arena.scope().isAlive()) {
      throw new IllegalStateException("the arena is closed");
    }
    if (MAP == null || UNMAP == null || ADVISE == null) {
      return arena.allocate(bytes, alignment);
    }
    long start = roundUp(mapping.address() + used, alignment) - mapping.address();
    if (start + bytes > mapping.byteSize()) {
      MemorySegment next = map(Math.max(MAPPING_BYTES, roundUp(bytes, PAGE_BYTES)));
      if (next == null || alignment > PAGE_BYTES) {
        return arena.allocate(bytes, alignment);
      }
      mapping = next;
      start = 0;
    }
    used = start + bytes;
    return mapping.asSlice(start, bytes);
  }

  private static long roundUp(long value, long multiple) {
    return Math.ceilDiv(value, multiple) * multiple;
  }

  /// Maps memory that begins with a huge page; null if there is none to be had.
  @SuppressWarnings("restricted") // the size is the one that was mapped
  private @Nullable MemorySegment map(long bytes) {
    if (MAP == null || ADVISE == null) {
      return null;
    }
    long reserved = bytes + PAGE_BYTES; // to begin at a multiple of a page
    try {
      MemorySegment address =
          (MemorySegment)
              MAP.invokeExact(
                  MemorySegment.NULL, reserved, READ_AND_WRITE, PRIVATE_AND_ANONYMOUS, -1, 0L);
      if (address.address() == FAILED) {
        return null;
      }
      MemorySegment all = address.reinterpret(reserved, arena, each -> unmap(each, reserved));
      long offset = roundUp(address.address(), PAGE_BYTES) - address.address();
      MemorySegment pages = all.asSlice(offset, bytes);
      int _ = (int) ADVISE.invokeExact(pages, bytes, ADVISE_HUGE_PAGES); // only advice
      return pages;
    } catch (RuntimeException | Error failure) {
      throw failure;
    } catch (Throwable impossible) {
      throw new IllegalStateException(impossible); // a C function throws nothing
    }
  }

  private static void unmap(MemorySegment segment, long bytes) {
    if (UNMAP == null) {
      return;
    }
    try {
      int _ = (int) UNMAP.invokeExact(segment, bytes);
    } catch (RuntimeException | Error failure) {
      throw failure;
    } catch (Throwable impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  @Override
  public MemorySegment.Scope scope() {
    return arena.scope();
  }

  /// Gives all memory back; its segments cannot be used any more.
  ///
  /// @throws IllegalStateException if it is closed already, or in use by another thread
  @Override
  public void close() {
    arena.close();
  }
}
