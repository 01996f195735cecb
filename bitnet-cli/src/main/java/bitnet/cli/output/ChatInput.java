package bitnet.cli.output;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;

/// Where the lines of a conversation come from: a terminal with editing and history, or a pipe.
public sealed interface ChatInput extends AutoCloseable {

  /// A terminal if somebody sits there, else standard input.
  static ChatInput open() throws IOException {
    return bitnet.cli.output.Terminal.isInteractive() ? new Keyboard() : new Pipe();
  }

  boolean isInteractive();

  /// The next line; null at the end.
  @Nullable String next() throws IOException;

  /// Listens for Ctrl-C from now on.
  void startAnswer();

  /// Whether Ctrl-C was pressed since the answer began.
  boolean stopped();

  @Override
  void close() throws IOException;

  /// Lines of a pipe, which nobody can interrupt.
  final class Pipe implements ChatInput {
    private final BufferedReader reader;

    Pipe() throws IOException {
      reader =
          new BufferedReader(new InputStreamReader(StandardStreams.in(), StandardCharsets.UTF_8));
    }

    @Override
    public boolean isInteractive() {
      return false;
    }

    @Override
    public @Nullable String next() throws IOException {
      StringBuilder line = new StringBuilder();
      int next = reader.read();
      if (next < 0) {
        return null;
      }
      for (; next >= 0 && next != '\n'; next = reader.read()) {
        line.append((char) next);
        if (line.length() > StandardStreams.LONGEST_TEXT) {
          throw new IllegalArgumentException(
              "a line of standard input is longer than %d Mi characters; break it up"
                  .formatted(StandardStreams.LONGEST_TEXT >> 20));
        }
      }
      return line.toString().stripTrailing(); // a line may end in CR LF
    }

    @Override
    public void startAnswer() {}

    @Override
    public boolean stopped() {
      return false;
    }

    @Override
    public void close() {}
  }

  /// A terminal. The history is kept in the user's home directory.
  final class Keyboard implements ChatInput {
    private static final String HISTORY = ".bitnet_chat_history";

    private final Terminal terminal;
    private final LineReader reader;
    private volatile boolean stopped;

    Keyboard() throws IOException {
      terminal = TerminalBuilder.builder().system(true).build();
      terminal.handle(Terminal.Signal.INT, signal -> stopped = true);
      reader =
          LineReaderBuilder.builder()
              .terminal(terminal)
              .variable(LineReader.HISTORY_FILE, Path.of(System.getProperty("user.home"), HISTORY))
              .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
              .build();
    }

    @Override
    public boolean isInteractive() {
      return true;
    }

    @Override
    public @Nullable String next() {
      while (true) {
        try {
          return reader.readLine("> ");
        } catch (UserInterruptException interrupted) {
          terminal.writer().println("(/exit or Ctrl-D leaves)");
        } catch (EndOfFileException end) {
          return null;
        }
      }
    }

    @Override
    public void startAnswer() {
      stopped = false;
    }

    @Override
    public boolean stopped() {
      return stopped;
    }

    @Override
    public void close() throws IOException {
      terminal.close();
    }
  }
}
