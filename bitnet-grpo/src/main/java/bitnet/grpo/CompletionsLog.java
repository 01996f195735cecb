package bitnet.grpo;

import bitnet.storage.GrowingFile;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A JSONL file with every answer of a run.
public final class CompletionsLog implements Closeable {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /// What every line begins with: a file of the user's that does not is not written over.
  private static final String BEGINNING = "{\"step\":";

  private final GrowingFile file;

  private CompletionsLog(GrowingFile file) {
    this.file = file;
  }

  /// Opens the log of a run that has done `doneSteps` steps; what an earlier process wrote about
  /// later ones is cut off.
  ///
  /// @throws IOException if it cannot be written, or has a line that is no such record
  public static CompletionsLog open(Path file, long doneSteps) throws IOException {
    long kept = Files.exists(file) ? keptBytes(file, doneSteps) : 0;
    return new CompletionsLog(GrowingFile.open(file, kept));
  }

  private static long keptBytes(Path file, long doneSteps) throws IOException {
    long size = Files.size(file);
    long bytes = 0;
    // one byte is one character: lengths of lines are lengths in the file
    try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
      int number = 1;
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        boolean halfWritten = bytes + line.length() == size; // there is no line feed
        if (!line.startsWith(BEGINNING) && !(halfWritten && BEGINNING.startsWith(line))) {
          throw new IOException(
              "%s:%d: is not a line of a completions log; move the file or choose another completions_log"
                  .formatted(file, number));
        }
        if (halfWritten || step(line) > doneSteps) {
          return bytes;
        }
        bytes += line.length() + 1;
        number++;
      }
    }
    return bytes;
  }

  /// The step of a line; later than any if the line is damaged.
  private static long step(String line) {
    try {
      return MAPPER.readTree(line).path("step").asLong(Long.MAX_VALUE);
    } catch (JsonProcessingException damaged) {
      return Long.MAX_VALUE;
    }
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
            "%s:%d: is not a line of a completions log (%s); restore it or remove the line"
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
    file.append(lines.toString().getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
