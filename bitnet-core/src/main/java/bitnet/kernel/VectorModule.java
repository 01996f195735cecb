package bitnet.kernel;

import bitnet.kernel.KernelSelector.UnavailableException;

/// The JDK's module with the Vector API, `jdk.incubator.vector`, which is not there by default.
///
/// The documented way to have it, `--add-modules jdk.incubator.vector`, makes every start print a
/// warning and take 0.1 s longer. So unless the JVM was started with it, the module is loaded when
/// it is wanted, as the JVM itself loads the module of an agent; that takes the flag
/// `--add-exports java.base/jdk.internal.module=ALL-UNNAMED`.
final class VectorModule {
  private static final String NAME = "jdk.incubator.vector";
  private static final String LOADER = "jdk.internal.module.Modules";
  private static final int NARROWEST = 128;

  private VectorModule() {}

  /// The kernels.
  ///
  /// @throws UnavailableException if the Vector API cannot be had or is of no use here
  static TernaryKernels open() throws UnavailableException {
    load();
    try {
      int bits = VectorShapes.bits();
      if (bits < NARROWEST) {
        throw new UnavailableException(
            "vectors have %d bits here, %d are needed".formatted(bits, NARROWEST));
      }
      return new VectorKernels();
    } catch (LinkageError error) {
      throw new UnavailableException(
          "the module %s is not loaded; start Java with --add-modules %s".formatted(NAME, NAME));
    }
  }

  private static void load() {
    if (ModuleLayer.boot().findModule(NAME).isEmpty()) {
      try {
        Class.forName(LOADER).getMethod("loadModule", String.class).invoke(null, NAME);
      } catch (ReflectiveOperationException notExported) {
        // without the flag; whether the module is there shows when its classes are wanted
      }
    }
  }
}
