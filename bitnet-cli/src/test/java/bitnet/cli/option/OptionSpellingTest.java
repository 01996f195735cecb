package bitnet.cli.option;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

class OptionSpellingTest {
  private static final CommandSpec TRAIN =
      CommandSpec.create()
          .addOption(OptionSpec.builder("--output_dir").type(String.class).build())
          .addOption(OptionSpec.builder("--dry-run").type(boolean.class).build())
          .addOption(
              OptionSpec.builder("--grad_checkpoint").type(boolean.class).negatable(true).build());
  private static final CommandSpec EVALUATE =
      CommandSpec.create()
          .addOption(OptionSpec.builder("--samples").type(int.class).build())
          .addOption(OptionSpec.builder("--samples_file").type(String.class).build());
  private static final CommandSpec ROOT =
      CommandSpec.create()
          .addOption(OptionSpec.builder("--log_level").type(String.class).build())
          .name("bitnet")
          .addSubcommand("train", TRAIN)
          .addSubcommand("evaluate", EVALUATE);

  @ParameterizedTest
  @CsvSource({
    "train --output-dir out, train --output_dir out",
    "train --output_dir out, train --output_dir out",
    "train --output-dir=a-b_c-d, train --output_dir=a-b_c-d",
    "train --dry_run, train --dry-run",
    "train --no-grad-checkpoint, train --no-grad_checkpoint",
    "--log-level=debug train, --log_level=debug train",
  })
  void dashesAndUnderscoresNameTheSameOption(String given, String canonical) {
    assertThat(canonical(given)).isEqualTo(canonical);
  }

  @ParameterizedTest
  @CsvSource({
    "train --log-level x", // an option of the root, not of train
    "train --output-dirs x",
    "train output-dir -o -output-dir",
    "train -- --output-dir out",
    "--output-dir out",
  })
  void whatTheCommandDoesNotDeclareStaysAsItIs(String given) {
    assertThat(canonical(given)).isEqualTo(given);
  }

  /// The file of samples was called --samples, as their number is now.
  @ParameterizedTest
  @CsvSource({
    "evaluate --samples 4, evaluate --samples 4",
    "evaluate --samples=-4, evaluate --samples=-4",
    "evaluate --samples=4.5, evaluate --samples=4.5",
    "evaluate --samples out/4.jsonl, evaluate --samples_file out/4.jsonl",
    "evaluate --samples=out --samples=4, evaluate --samples_file=out --samples=4",
    "evaluate --samples, evaluate --samples",
  })
  void samplesAreAFileOrANumber(String given, String canonical) {
    assertThat(canonical(given)).isEqualTo(canonical);
  }

  private static String canonical(String line) {
    return String.join(" ", OptionSpelling.canonical(ROOT, line.split(" ", -1)));
  }
}
