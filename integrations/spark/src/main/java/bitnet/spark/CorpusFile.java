package bitnet.spark;

import java.io.IOException;
import java.io.Serializable;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.deploy.SparkHadoopUtil;

/// A file of a corpus: on the machine or storage that it shares, or in a file system of Hadoop,
/// from which it is copied to a temporary file as long as it is read.
///
/// @param index counted from 0, in the order of the corpus
/// @param path of the file, or its URI
record CorpusFile(int index, String path) implements Serializable {
  private static final Pattern URI_START = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+:/.*");

  /// Reads a file.
  ///
  /// @param <R> what comes of it
  @FunctionalInterface
  interface Work<R> {
    /// Reads it.
    R read(Path file) throws IOException;
  }

  /// Whether a path belongs to a file system of Hadoop.
  static boolean isRemote(String path) {
    return URI_START.matcher(path).matches() && !path.startsWith("file:");
  }

  /// A path of this machine.
  static Path local(String path) {
    return path.startsWith("file:/") ? Path.of(URI.create(path)) : Path.of(path);
  }

  /// Hadoop's settings: those of Spark that begin with `spark.hadoop.`.
  static Configuration hadoop(SparkConf conf) {
    return SparkHadoopUtil.get().newConfiguration(conf);
  }

  /// Reads the file, as messages of it are to name it.
  <R> R read(Work<R> work) throws IOException {
    if (!isRemote(path)) {
      return work.read(local(path));
    }
    Path directory = Files.createTempDirectory("bitnet-corpus-");
    org.apache.hadoop.fs.Path remote = new org.apache.hadoop.fs.Path(path);
    Path copy = directory.resolve(remote.getName());
    try {
      remote
          .getFileSystem(hadoop(SparkEnv.get().conf()))
          .copyToLocalFile(false, remote, new org.apache.hadoop.fs.Path(copy.toUri()), true);
      return work.read(copy);
    } catch (IOException failure) {
      throw new IOException(named(Failures.reason(failure), copy), failure);
    } finally {
      Files.deleteIfExists(copy);
      Files.deleteIfExists(directory);
    }
  }

  private String named(String message, Path copy) {
    return message.replace(copy.toString(), path);
  }
}
