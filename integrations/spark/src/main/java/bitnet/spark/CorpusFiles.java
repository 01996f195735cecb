package bitnet.spark;

import bitnet.data.DataFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.SparkConf;

/// Finds the files of a corpus.
final class CorpusFiles {
  private CorpusFiles() {}

  /// The files that paths name: files, directories, or patterns with `*`.
  ///
  /// @param settings of Spark, those of Hadoop among them
  /// @throws IOException if a path names no data file, or a file is named twice
  static List<CorpusFile> of(List<String> paths, Map<String, String> settings) throws IOException {
    SparkConf conf = new SparkConf();
    settings.forEach(conf::set);
    Set<String> files = new LinkedHashSet<>();
    for (String path : paths) {
      for (String file : CorpusFile.isRemote(path) ? remote(path, conf) : local(path)) {
        if (!files.add(file)) {
          throw new IOException(file + " is named twice; name it once");
        }
      }
    }
    List<CorpusFile> corpus = new ArrayList<>();
    files.forEach(file -> corpus.add(new CorpusFile(corpus.size(), file)));
    return corpus;
  }

  private static List<String> local(String path) throws IOException {
    List<String> files = new ArrayList<>();
    for (Path file : DataFiles.of(CorpusFile.local(path))) {
      if (!Files.exists(file)) {
        throw new NoSuchFileException(file.toString());
      }
      if (!Files.isRegularFile(file)) {
        throw new IOException(
            file
                + " is a pipe or a device; a corpus is read more than once, so write it to a file");
      }
      files.add(file.toAbsolutePath().normalize().toString());
    }
    return files;
  }

  private static List<String> remote(String path, SparkConf conf) throws IOException {
    Configuration hadoop = CorpusFile.hadoop(conf);
    org.apache.hadoop.fs.Path pattern = new org.apache.hadoop.fs.Path(path);
    FileStatus[] found;
    FileSystem system;
    try {
      system = pattern.getFileSystem(hadoop);
      found = system.globStatus(pattern);
    } catch (IOException | RuntimeException failure) {
      throw new IOException(
          "%s cannot be read (%s); set its spark.hadoop settings with --conf, and put the jars of its file system on BITNET_CLASS_PATH"
              .formatted(path, Failures.reason(failure)),
          failure);
    }
    if (found == null || found.length == 0) {
      throw new NoSuchFileException(path);
    }
    if (found.length == 1 && found[0].isFile()) {
      return List.of(found[0].getPath().toString());
    }
    boolean directory = found.length == 1;
    FileStatus[] all = directory ? system.listStatus(found[0].getPath()) : found;
    Stream<String> files =
        Arrays.stream(all).filter(FileStatus::isFile).map(file -> file.getPath().toString());
    return DataFiles.of(path, files.toList(), directory);
  }
}
