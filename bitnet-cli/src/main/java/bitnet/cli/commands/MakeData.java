package bitnet.cli.commands;

import bitnet.data.QaDataset;
import bitnet.data.QaRecord;
import bitnet.data.QaTemplate;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `bitnet make-data`: questions with answers, and corrections of answers.
@Command(
    name = "make-data",
    description = "Generate datasets of questions with answers, and of corrections.",
    subcommands = {MakeArithmetic.class, MakeMistakes.class, MakeCorrections.class})
public final class MakeData implements Runnable {
  private static final int SHOWN = 3;

  @Spec private CommandSpec spec;

  private MakeData() {}

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "say what to make: make-data arithmetic, mistakes or corrections");
  }

  /// Shows the first records as training texts, and writes all.
  ///
  /// @param noun what they are
  static void showAndWrite(PrintWriter out, Path file, List<QaRecord> records, String noun)
      throws IOException {
    for (QaRecord record : records.subList(0, Math.min(SHOWN, records.size()))) {
      out.println(QaTemplate.text(record));
    }
    write(out, file, records, noun);
  }

  /// Writes records and says how many.
  static void write(PrintWriter out, Path file, List<QaRecord> records, String noun)
      throws IOException {
    QaDataset.write(file, records);
    out.printf(Locale.ROOT, "wrote %s: %,d %s%n", file, records.size(), noun);
  }
}
