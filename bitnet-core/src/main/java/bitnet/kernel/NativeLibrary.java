package bitnet.kernel;

import bitnet.kernel.KernelSelector.UnavailableException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/// The C kernels of this platform, which the build packs into the jar when it finds a C compiler.
final class NativeLibrary {
  private static final long LONGEST_NAMES = 256;
  private static final List<String> PLATFORMS =
      List.of("linux-x86_64", "linux-aarch64", "macos-x86_64", "macos-aarch64");

  private final SymbolLookup symbols;

  private NativeLibrary(SymbolLookup symbols) {
    this.symbols = symbols;
  }

  /// This platform as the build names it, for example `linux-x86_64`.
  static String platform() {
    String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String processor = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    String os = system.startsWith("mac") ? "macos" : system.split(" ", 2)[0];
    return os + "-" + (processor.equals("amd64") ? "x86_64" : processor);
  }

  /// Loads the library of a platform, for as long as its functions are referred to.
  ///
  /// @throws UnavailableException if this build has none, or why it cannot be loaded
  static NativeLibrary open(String platform) throws UnavailableException {
    return open(platform, Path.of(System.getProperty("java.io.tmpdir")));
  }

  /// The same, by way of a directory of temporary files.
  static NativeLibrary open(String platform, Path temporary) throws UnavailableException {
    try (InputStream content = NativeLibrary.class.getResourceAsStream(resource(platform))) {
      if (content == null) {
        throw new UnavailableException(
            "this build has no library for %s (%s); install a C compiler and build again"
                .formatted(platform, contents()));
      }
      return new NativeLibrary(load(content.readAllBytes(), temporary));
    } catch (IOException | IllegalArgumentException failure) {
      throw new UnavailableException(
          "its library cannot be loaded by way of %s (%s); ".formatted(temporary, failure)
              + "name a directory for files that may be executed with -Djava.io.tmpdir=D");
    } catch (IllegalCallerException denied) {
      throw new UnavailableException(
          "the JVM does not allow native code; run it with --enable-native-access=ALL-UNNAMED");
    }
  }

  /// The platforms that this build has libraries for, for people.
  private static String contents() {
    List<String> platforms =
        PLATFORMS.stream()
            .filter(each -> NativeLibrary.class.getResource(resource(each)) != null)
            .toList();
    return platforms.isEmpty() ? "it has none" : "it has " + String.join(", ", platforms);
  }

  private static String resource(String platform) {
    return "/META-INF/native/" + platform + "/libbitnet_kernels.so";
  }

  /// A library can only be loaded from a file. It lies in a directory that nobody else can write
  /// to, and is gone as soon as it is loaded: nothing stays behind and no old file is trusted.
  @SuppressWarnings("restricted") // the library is our own
  private static SymbolLookup load(byte[] content, Path temporary) throws IOException {
    Path directory = Files.createTempDirectory(temporary, "bitnet");
    Path file = directory.resolve("libbitnet_kernels.so");
    try {
      Files.write(file, content);
      return SymbolLookup.libraryLookup(file, Arena.ofAuto());
    } finally {
      Files.deleteIfExists(file);
      Files.delete(directory);
    }
  }

  /// The instruction sets in the library that this processor has, the fastest first.
  @SuppressWarnings("restricted") // the function returns a literal that ends in a zero
  List<String> instructionSets() {
    try {
      MemorySegment names =
          (MemorySegment)
              Linker.nativeLinker()
                  .downcallHandle(
                      function("bitnet_instruction_sets"),
                      FunctionDescriptor.of(ValueLayout.ADDRESS))
                  .invokeExact();
      String list = names.reinterpret(LONGEST_NAMES).getString(0);
      return list.isEmpty() ? List.of() : List.of(list.split(" ", -1));
    } catch (RuntimeException | Error failure) {
      throw failure;
    } catch (Throwable impossible) {
      throw new IllegalStateException(impossible); // a C function throws nothing
    }
  }

  /// The address of a function.
  MemorySegment function(String name) {
    return symbols.findOrThrow(name);
  }
}
