package bitnet.cli.output;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Standard input and output of the process, in UTF-8 whatever the locale says.
///
/// A stream that was closed when the command started is named by the launcher in a system property
/// and connected to `/dev/null`: the JVM would otherwise read its own module file as standard
/// input, because the first file that it opens takes the free descriptor.
public final class StandardStreams {
  private static final String CLOSED = "bitnet.closed_streams";

  /// The longest text that a command reads from standard input, in bytes. The tokenizer needs some
  /// hundred bytes of memory for each.
  public static final int LONGEST_TEXT = 16 << 20;

  private StandardStreams() {}

  /// Standard input.
  ///
  /// @throws IOException if it is closed
  public static InputStream in() throws IOException {
    requireOpen("input", "give it a text, for example with < FILE");
    return System.in;
  }

  /// All of standard input, without the line break that ends the last line, which a shell adds.
  ///
  /// @throws IOException if it is closed
  /// @throws IllegalArgumentException if it is longer than [#LONGEST_TEXT]
  public static String text() throws IOException {
    byte[] bytes = in().readNBytes(LONGEST_TEXT + 1);
    if (bytes.length > LONGEST_TEXT) {
      throw new IllegalArgumentException(
          "standard input is longer than %d MiB; give a shorter text"
              .formatted(LONGEST_TEXT >> 20));
    }
    return new String(bytes, StandardCharsets.UTF_8).replaceFirst("\\R\\z", "");
  }

  /// Standard output. Where something cannot be written the writer throws [OutputFailure], which
  /// ends the command; a [PrintWriter] by itself would keep silent.
  public static PrintWriter out() {
    return writer(new Checked(new FileOutputStream(FileDescriptor.out)));
  }

  /// Standard error; what cannot be written there is lost, as nobody could be told.
  public static PrintWriter err() {
    return writer(new FileOutputStream(FileDescriptor.err));
  }

  private static PrintWriter writer(OutputStream bytes) {
    return new PrintWriter(new OutputStreamWriter(bytes, StandardCharsets.UTF_8), true);
  }

  private static void requireOpen(String stream, String remedy) throws IOException {
    if (Arrays.asList(System.getProperty(CLOSED, "").split(",", -1)).contains(stream)) {
      throw new IOException("standard %s is closed; %s".formatted(stream, remedy));
    }
  }

  /// An output whose failures reach the command.
  private static final class Checked extends OutputStream {
    private final OutputStream out;

    Checked(OutputStream out) {
      this.out = out;
    }

    @Override
    public void write(int value) {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      try {
        requireOpen("output", "redirect it to a file or to /dev/null");
        out.write(bytes, offset, length);
      } catch (IOException failure) {
        throw new OutputFailure(failure);
      }
    }
  }
}
