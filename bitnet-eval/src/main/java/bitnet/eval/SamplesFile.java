package bitnet.eval;

import bitnet.storage.WriteFailure;
import bitnet.training.OptionValues;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Samples as JSON lines, added as they are evaluated: what a killed run resumes from. One
/// process writes it at a time.
///
/// @param <S> the kind of samples
public final class SamplesFile<S extends Sample> implements AutoCloseable {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  /// What every line begins with: a file of the user's that does not is not cut.
  private static final String BEGINNING = "{\"run\":";

  private final Path path;
  private final @Nullable FileChannel channel;
  private final List<S> samples = new ArrayList<>();

  private SamplesFile(Path path, @Nullable FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /// Keeps nothing.
  public static <S extends Sample> SamplesFile<S> none() {
    return new SamplesFile<>(Path.of(""), null);
  }

  /// Opens a file.
  ///
  /// @param resume whether to continue after the existing samples; a last line that was not
  ///     finished is cut off; a missing file is created
  /// @throws IllegalArgumentException if the file exists and `resume` is false
  /// @throws IOException if it is in use, cannot be read, or holds something else
  public static <S extends Sample> SamplesFile<S> open(Path path, Class<S> type, boolean resume)
      throws IOException {
    if (!resume && Files.exists(path)) {
      throw new IllegalArgumentException(
          path + " already exists; continue it with --resume, or name another file");
    }
    FileChannel channel = openChannel(path);
    SamplesFile<S> file = new SamplesFile<>(path, channel);
    try {
      file.lock(channel);
      file.read(channel, type);
      return file;
    } catch (IOException | RuntimeException failure) {
      channel.close();
      throw failure;
    }
  }

  private static FileChannel openChannel(Path path) throws IOException {
    try {
      return FileChannel.open(
          path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    } catch (IOException failure) {
      throw WriteFailure.of(path, failure);
    }
  }

  private void lock(FileChannel file) throws IOException {
    FileLock lock;
    try {
      lock = file.tryLock();
    } catch (OverlappingFileLockException mine) {
      lock = null;
    }
    if (lock == null) { // else it is held until the channel is closed
      throw new IOException(path + ": another evaluation is writing it; wait for it to end");
    }
  }

  private void read(FileChannel file, Class<S> type) throws IOException {
    byte[] bytes = content(file);
    int start = 0;
    for (int end = lineEnd(bytes, 0); end >= 0; end = lineEnd(bytes, start)) {
      String line = new String(bytes, start, end - start, StandardCharsets.UTF_8);
      try {
        samples.add(MAPPER.readValue(line, type));
      } catch (JsonProcessingException fault) {
        throw new IOException(
            "%s:%d: is not a sample of this task: %s; name another file"
                .formatted(
                    path,
                    samples.size() + 1,
                    fault.getOriginalMessage().lines().findFirst().orElse("")),
            fault);
      }
      start = end + 1;
    }
    String rest = new String(bytes, start, bytes.length - start, StandardCharsets.UTF_8);
    if (!rest.startsWith(BEGINNING) && !BEGINNING.startsWith(rest)) {
      throw new IOException(
          "%s:%d: is not a sample of this task; name another file"
              .formatted(path, samples.size() + 1));
    }
    file.truncate(start);
    file.position(start);
  }

  /// Through the channel: to open and close the file once more would end its lock on Linux.
  private static byte[] content(FileChannel file) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(file.size()));
    int read = 0;
    while (read >= 0 && bytes.hasRemaining()) {
      read = file.read(bytes);
    }
    return bytes.array();
  }

  private static int lineEnd(byte[] bytes, int start) {
    for (int i = start; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        return i;
      }
    }
    return -1;
  }

  /// The value of [Sample#run] for samples that these options determine.
  public static String run(OptionValues options) {
    return new RunOptions(options).text();
  }

  /// The samples of a model that are there, in their order.
  ///
  /// @param options what determines the samples
  /// @throws IllegalArgumentException if they belong to another run or are not the first records
  public List<S> of(String model, OptionValues options) {
    return of(model, new RunOptions(options), Set.of());
  }

  /// The samples of a model that are there, in their order.
  ///
  /// @param run the samples must belong to
  /// @param former what stands for the same in samples of former versions
  /// @throws IllegalArgumentException if they belong to another run or are not the first records
  List<S> of(String model, RunOptions run, Set<String> former) {
    List<S> found = samples.stream().filter(sample -> sample.model().equals(model)).toList();
    String text = run.text();
    for (int i = 0; i < found.size(); i++) {
      String made = found.get(i).run();
      if (!made.equals(text) && !former.contains(made)) {
        throw new IllegalArgumentException(
            "%s: the samples of %s were made with other options: %s; give the same, or name another file"
                .formatted(path, model, String.join(", ", run.differences(made))));
      }
      if (found.get(i).index() != i) {
        throw new IllegalArgumentException(
            "%s: the samples of %s have record %d where record %d should be; name another file"
                .formatted(path, model, found.get(i).index(), i));
      }
    }
    return found;
  }

  /// A sample as a line of such a file, without the line break.
  public static String line(Sample sample) throws IOException {
    return MAPPER.writeValueAsString(sample);
  }

  /// The sample of a line of [#line], equal to the one that was written.
  public static <S extends Sample> S sample(String line, Class<S> type) throws IOException {
    return MAPPER.readValue(line, type);
  }

  /// Adds samples; they are in the file when this returns.
  public void add(List<S> more) throws IOException {
    if (channel == null) {
      return;
    }
    ByteArrayOutputStream lines = new ByteArrayOutputStream();
    for (S sample : more) {
      lines.writeBytes(line(sample).getBytes(StandardCharsets.UTF_8));
      lines.write('\n');
    }
    ByteBuffer buffer = ByteBuffer.wrap(lines.toByteArray());
    try {
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      channel.force(false);
    } catch (IOException failure) {
      throw WriteFailure.of(path, failure);
    }
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
    }
  }
}
