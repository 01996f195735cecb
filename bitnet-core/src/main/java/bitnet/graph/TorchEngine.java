package bitnet.graph;

import ai.djl.engine.Engine;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Objects;
import java.util.Properties;

/// DJL's PyTorch engine. Its native libraries are not a dependency of this library: whoever only
/// runs models on the processor does not need them.
final class TorchEngine {
  private static final String VERSIONS = "torch.properties";
  private static final String JNI = "jnilib/pytorch.properties";
  private static final String NATIVE = "native/lib/pytorch.properties";

  private TorchEngine() {}

  /// The engine, loaded on first use.
  ///
  /// @throws IllegalStateException if its native libraries are not on the class path, naming the
  ///     artifacts to add
  static Engine get() {
    boolean jni = has(JNI);
    boolean libtorch = has(NATIVE) || System.getenv("PYTORCH_LIBRARY_PATH") != null;
    if (!jni || !libtorch) {
      throw new IllegalStateException(missing());
    }
    return Engine.getEngine("PyTorch");
  }

  private static boolean has(String resource) {
    return TorchEngine.class.getClassLoader().getResource(resource) != null;
  }

  private static String missing() {
    Properties versions = new Properties();
    try (InputStream source =
        Objects.requireNonNull(TorchEngine.class.getResourceAsStream(VERSIONS), VERSIONS)) {
      versions.load(source);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return ("training and GPUs need libtorch, which is not on the class path; add"
            + " ai.djl.pytorch:pytorch-jni:%s and ai.djl.pytorch:pytorch-native-cpu:%s:%s")
        .formatted(versions.get("jni"), versions.get("native"), classifier());
  }

  /// This platform in the names of DJL's artifacts.
  private static String classifier() {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String os = system.startsWith("mac") ? "osx" : system.startsWith("win") ? "win" : "linux";
    String arch = System.getProperty("os.arch");
    return os + "-" + (arch.equals("amd64") ? "x86_64" : arch);
  }
}
