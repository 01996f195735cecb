package bitnet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import bitnet.cli.output.ExitCode;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MainTest {
  private record Result(int exitCode, String out, String err) {
    static Result of(String... args) {
      StringWriter out = new StringWriter();
      StringWriter err = new StringWriter();
      int exitCode = Main.run(new PrintWriter(out), new PrintWriter(err), args);
      return new Result(exitCode, out.toString(), err.toString());
    }
  }

  @Test
  void helpListsEveryCommandOnALineOfItsOwn() {
    Result help = Result.of("--help");

    assertThat(help.exitCode()).isEqualTo(ExitCode.OK);
    assertThat(help.err()).isEmpty();
    assertThat(help.out())
        .startsWith("Usage: bitnet ")
        .containsPattern("(?m)^ +generate-completion +Generate bash/zsh completion script")
        .containsPattern("(?m)^ +help +Display help information about the specified command");
    for (String name : commandNames()) {
      assertThat(help.out().lines().filter(line -> line.startsWith("  " + name + " "))).hasSize(1);
    }
  }

  @Test
  void everyCommandExplainsItself() {
    for (String name : commandNames()) {
      Result help = Result.of(name, "--help");

      assertThat(help.exitCode()).as(name).isEqualTo(ExitCode.OK);
      assertThat(help.out()).as(name).contains("Usage: bitnet " + name);
      assertThat(help.err()).as(name).isEmpty();
    }
  }

  private static Set<String> commandNames() {
    PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
    return Main.commandLine(nowhere, nowhere).getSubcommands().keySet();
  }

  @Test
  void versionNamesTheToolJavaAndTheEngine() {
    Result version = Result.of("--version");

    assertThat(version.exitCode()).isEqualTo(ExitCode.OK);
    assertThat(version.out())
        .containsPattern("^bitnet \\d+\\.\\d+\\.\\d+")
        .contains("Java " + Runtime.version())
        .containsPattern("DJL \\d+\\.\\d+\\.\\d+, libtorch \\d+\\.\\d+\\.\\d+");
  }

  @ParameterizedTest
  @CsvSource({
    "--hepl, unknown option '--hepl', --help",
    "generate-complete, unknown command 'generate-complete', generate-completion",
  })
  void aTypingErrorIsAnsweredInTwoLinesWithASuggestion(
      String argument, String reason, String suggestion) {
    Result result = Result.of(argument);

    assertThat(result.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(result.out()).isEmpty();
    assertThat(result.err().lines())
        .containsExactly(
            "bitnet: " + reason, "Did you mean '%s'? Try 'bitnet --help'.".formatted(suggestion));
  }

  @Test
  void nothingIsSuggestedForANameUnlikeAnyOther() {
    assertThat(Result.of("xyzzy").err().lines())
        .containsExactly("bitnet: unknown command 'xyzzy'", "Try 'bitnet --help'.");
  }

  @Test
  void noCommandIsAUsageError() {
    Result result = Result.of();

    assertThat(result.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(result.err().lines())
        .containsExactly("bitnet: missing command", "Try 'bitnet --help'.");
  }

  @Test
  void stackTracesAreShownOnRequestOnly() {
    assertThat(Result.of("--stacktrace").err()).contains("\tat bitnet.cli.Main.run");
    assertThat(Result.of().err()).doesNotContain("\tat ");
  }

  @Test
  void completionScriptCompletesEveryCommand() {
    Result script = Result.of("generate-completion");

    assertThat(script.exitCode()).isEqualTo(ExitCode.OK);
    assertThat(script.out())
        .startsWith("#!/usr/bin/env bash")
        .contains("complete -F")
        .contains("help");
  }
}
