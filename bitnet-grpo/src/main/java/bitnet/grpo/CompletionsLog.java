package bitnet.grpo;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/// A JSONL file with every answer of a run.
public final class CompletionsLog implements Closeable {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final FileChannel channel;

  private CompletionsLog(FileChannel channel) {
    this.channel = channel;
  }

  /// Opens the log of a run that has done `doneSteps` steps; what an earlier process wrote about
  /// later ones is cut off.
  ///
  /// @throws IOException if it cannot be written, or has a line that is no such record
  public static CompletionsLog open(Path file, long doneSteps) throws IOException {
    Path directory = file.toAbsolutePath().getParent();
    if (directory != null) {
      Files.createDirectories(directory);
    }
    long kept = doneSteps > 0 && Files.exists(file) ? keptBytes(file, doneSteps) : 0;
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
    try {
      channel.truncate(kept);
      channel.position(kept);
      return new CompletionsLog(channel);
    } catch (IOException failure) {
      channel.close();
      throw failure;
    }
  }

  private static long keptBytes(Path file, long doneSteps) throws IOException {
    long bytes = 0;
    // one byte is one character: lengths of lines are lengths in the file
    try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
      int number = 1;
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        long step;
        try {
          step = MAPPER.readTree(line).path("step").asLong(Long.MAX_VALUE);
        } catch (JsonProcessingException halfWritten) {
          return bytes;
        }
        if (step == Long.MAX_VALUE) {
          throw new IOException(
              "%s:%d: is no line of a completions log; move it away or choose another --completions_log"
                  .formatted(file, number));
        }
        if (step > doneSteps) {
          return bytes;
        }
        bytes += line.length() + 1;
        number++;
      }
    }
    return Math.min(bytes, Files.size(file));
  }

  /// Reads a log, which may still be written to: a last line without its end is left out.
  ///
  /// @throws IOException if it is missing or damaged, with the number of the line
  public static List<CompletionRecord> read(Path file) throws IOException {
    String text = Files.readString(file, StandardCharsets.UTF_8);
    List<String> lines = text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    List<CompletionRecord> records = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      try {
        records.add(MAPPER.readValue(lines.get(i), CompletionRecord.class));
      } catch (JsonProcessingException failure) {
        throw new IOException(
            "%s:%d: is no line of a completions log (%s); restore it or remove the line"
                .formatted(file, i + 1, failure.getOriginalMessage()),
            failure);
      }
    }
    return records;
  }

  /// Writes answers, a line each.
  public void write(List<CompletionRecord> answers) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (CompletionRecord answer : answers) {
      lines.append(MAPPER.writeValueAsString(answer)).append('\n');
    }
    ByteBuffer bytes = StandardCharsets.UTF_8.encode(lines.toString());
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
