package bitnet.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// Notices that the reader of standard output has ended while a command computes and writes
/// nothing: `bitnet infer --json ... | head -1` would otherwise compute to its end for nobody.
///
/// A thread waits in POSIX's `poll` for an error of the descriptor, which costs nothing. A file
/// or a terminal never reports one. Where the system lacks `poll` the next write fails instead.
final class ReaderWatch {
  private static final int STANDARD_OUTPUT = 1;
  private static final short ERROR = 0x008; // POLLERR, on Linux, macOS and the BSDs
  private static final long PAUSE_MILLIS = 200; // after a signal or an event of another kind

  private ReaderWatch() {}

  /// Starts to wait, on a thread that does not keep the JVM alive.
  ///
  /// @param gone is run once, when the reader has ended
  static void start(Runnable gone) {
    if (System.getProperty("os.name", "").startsWith("Windows")) {
      return;
    }
    // looking poll up takes a while, which the command need not wait for
    Thread.ofPlatform()
        .daemon()
        .name("watch the reader of standard output")
        .start(
            () ->
                Linker.nativeLinker()
                    .defaultLookup()
                    .find("poll")
                    .ifPresent(poll -> watch(handle(poll), gone)));
  }

  @SuppressWarnings("restricted") // the descriptor is that of poll
  private static MethodHandle handle(MemorySegment symbol) {
    return Linker.nativeLinker()
        .downcallHandle(
            symbol,
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT));
  }

  private static void watch(MethodHandle poll, Runnable gone) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request =
          arena.allocate(8, 4); // struct pollfd {int fd; short events, revents;}
      request.set(ValueLayout.JAVA_INT, 0, STANDARD_OUTPUT);
      while (((int) poll.invokeExact(request, 1L, -1)) < 0 || event(request) == 0) {
        Thread.sleep(PAUSE_MILLIS);
      }
      if ((event(request) & ERROR) != 0) {
        gone.run();
      }
    } catch (InterruptedException ending) {
      Thread.currentThread().interrupt();
    } catch (Throwable unsupported) { // of the call itself
      throw new IllegalStateException(unsupported);
    }
  }

  private static short event(MemorySegment request) {
    return request.get(ValueLayout.JAVA_SHORT, 6);
  }
}
