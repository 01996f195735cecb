package bitnet.graph;

import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/// Compiles TorchScript source: writes the archive that libtorch expects (a zip with one pickled
/// module without attributes and the source of its class) and lets libtorch's own front end read
/// it.
final class TorchScript {

  private static final String CLASS_NAME = "TensorOps";

  private TorchScript() {}

  /// Compiles the functions of a resource in the package of this class as methods of one module.
  ///
  /// @param manager owns the module
  static PtSymbolBlock compile(NDManager manager, String resource) throws IOException {
    Path archive = Files.createTempFile("tensor-ops", ".pt");
    try (InputStream source = TorchScript.class.getResourceAsStream(resource)) {
      if (source == null) {
        throw new IOException("resource " + resource + " is missing from the jar; build again");
      }
      write(archive, new String(source.readAllBytes(), StandardCharsets.UTF_8));
      return JniUtils.loadModule(
          (PtNDManager) manager, archive, false, new String[0], new String[0], true);
    } finally {
      Files.deleteIfExists(archive);
    }
  }

  private static void write(Path archive, String functions) throws IOException {
    String source =
        "class %s(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n%s"
            .formatted(CLASS_NAME, functions.indent(2));
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(archive))) {
      store(zip, "m/data.pkl", pickledModule());
      store(zip, "m/code/__torch__.py", source.getBytes(StandardCharsets.UTF_8));
      // an empty tuple
      store(zip, "m/constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
      store(zip, "m/version", "10\n".getBytes(StandardCharsets.US_ASCII));
      store(zip, "m/byteorder", "little".getBytes(StandardCharsets.US_ASCII));
    }
  }

  /// Pickle protocol 2 of an object of class `__torch__.TensorOps` with state `{"training": True}`.
  private static byte[] pickledModule() {
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.writeBytes(new byte[] {(byte) 0x80, 2});
    pickle.writeBytes(("c__torch__\n" + CLASS_NAME + "\n").getBytes(StandardCharsets.US_ASCII));
    pickle.writeBytes(new byte[] {')', (byte) 0x81, '}', '(', 'X', 8, 0, 0, 0});
    pickle.writeBytes("training".getBytes(StandardCharsets.US_ASCII));
    pickle.writeBytes(new byte[] {(byte) 0x88, 'u', 'b', '.'});
    return pickle.toByteArray();
  }

  private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 checksum = new CRC32();
    checksum.update(content);
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(checksum.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
