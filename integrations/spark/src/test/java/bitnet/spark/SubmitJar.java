package bitnet.spark;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The class path of this test, divided as for `spark-submit`: a jar like that of the profile
/// `submit-jar`, and what a distribution of Spark has.
final class SubmitJar {
  private static final Pattern OURS =
      Pattern.compile(
          "/(bitnet-|reward-models|energy-rl|api-0|pytorch-engine|pytorch-jni|tokenizers-|picocli"
              + "|jline|progressbar|oshi|jna|extjwnl|concurrentlinkedhashmap|xchart|jetty|hardwood)"
              + "[^/]*\\.jar$");

  private SubmitJar() {}

  private static boolean isOurs(String entry) {
    return Files.isDirectory(Path.of(entry)) || OURS.matcher(entry).find();
  }

  private static List<String> classPath() {
    return List.of(System.getProperty("java.class.path").split(File.pathSeparator));
  }

  /// What Spark brings.
  static String classPathOfSpark() {
    return String.join(
        File.pathSeparator, classPath().stream().filter(entry -> !isOurs(entry)).toList());
  }

  /// Makes the jar; without libtorch, which a packed model does not need.
  static Path write(Path jar) throws IOException {
    SequencedMap<String, ByteArrayOutputStream> files = new LinkedHashMap<>();
    for (String entry : classPath()) {
      Path path = Path.of(entry);
      if (!isOurs(entry) || entry.contains("test-classes") || !Files.exists(path)) {
        continue;
      }
      if (Files.isDirectory(path)) {
        add(path, files);
      } else {
        try (FileSystem zip = FileSystems.newFileSystem(path)) {
          add(zip.getPath("/"), files);
        }
      }
    }
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      out.setLevel(0);
      for (Map.Entry<String, ByteArrayOutputStream> file : files.entrySet()) {
        out.putNextEntry(new JarEntry(file.getKey()));
        file.getValue().writeTo(out);
      }
    }
    return jar;
  }

  private static void add(Path root, Map<String, ByteArrayOutputStream> files) throws IOException {
    List<Path> all = new ArrayList<>();
    try (Stream<Path> walk = Files.walk(root)) {
      walk.filter(Files::isRegularFile).forEach(all::add);
    }
    for (Path file : all) {
      String name = root.relativize(file).toString();
      if (name.startsWith("META-INF/services/")) {
        ByteArrayOutputStream services =
            files.computeIfAbsent(name, key -> new ByteArrayOutputStream());
        services.writeBytes(Files.readAllBytes(file));
        services.write('\n');
      } else if (!name.equals("module-info.class") && !files.containsKey(name)) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        content.writeBytes(Files.readAllBytes(file));
        files.put(name, content);
      }
    }
  }
}
