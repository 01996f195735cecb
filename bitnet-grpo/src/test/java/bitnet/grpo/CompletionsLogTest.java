package bitnet.grpo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CompletionsLogTest {
  @TempDir private Path directory;
  private Path file;

  @BeforeEach
  void name() {
    file = directory.resolve("answers.jsonl");
  }

  private static CompletionRecord answer(long step) {
    return new CompletionRecord(step, 1, "1+1=", "2", "", "zwei: ü", 0.5, true, false);
  }

  private void write(long doneSteps, long... steps) throws IOException {
    try (CompletionsLog log = CompletionsLog.open(file, doneSteps)) {
      for (long step : steps) {
        log.write(List.of(answer(step)));
      }
    }
  }

  @Test
  void whatIsWrittenIsReadAndStepsThatAreDoneAgainAreThereOnce() throws IOException {
    write(0, 1, 2, 3);
    Files.writeString(file, "{\"st", StandardOpenOption.APPEND);

    write(2, 3, 4);

    assertThat(CompletionsLog.read(file))
        .containsExactly(answer(1), answer(2), answer(3), answer(4));
    write(0, 1);
    assertThat(CompletionsLog.read(file)).containsExactly(answer(1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"my notes\n", "no line feed", "\nafter a blank", "{\"query\":\"1+1=\"}\n"})
  void aFileThatIsNoLogIsNotWrittenOver(String content) throws IOException {
    Files.writeString(file, content);

    assertThatThrownBy(() -> CompletionsLog.open(file, 0))
        .isInstanceOf(IOException.class)
        .hasMessage(
            file
                + ":1: is not a line of a completions log; move the file or choose another"
                + " completions_log");
    assertThat(file).hasContent(content);
  }
}
