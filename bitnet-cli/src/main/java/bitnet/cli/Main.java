package bitnet.cli;

import bitnet.cli.commands.Bench;
import bitnet.cli.commands.Chat;
import bitnet.cli.commands.Convert;
import bitnet.cli.commands.CreateModel;
import bitnet.cli.commands.Doctor;
import bitnet.cli.commands.EnergyRl;
import bitnet.cli.commands.Evaluate;
import bitnet.cli.commands.Infer;
import bitnet.cli.commands.Inspect;
import bitnet.cli.commands.Logits;
import bitnet.cli.commands.MakeData;
import bitnet.cli.commands.Models;
import bitnet.cli.commands.Pull;
import bitnet.cli.commands.Report;
import bitnet.cli.commands.Score;
import bitnet.cli.commands.Serve;
import bitnet.cli.commands.SimpleReward;
import bitnet.cli.commands.Spark;
import bitnet.cli.commands.TrainCe;
import bitnet.cli.commands.TrainGrpo;
import bitnet.cli.commands.TrainReward;
import bitnet.cli.commands.TrainTokenizer;
import bitnet.cli.commands.Verify;
import bitnet.cli.option.ConfigFile;
import bitnet.cli.option.OptionSpelling;
import bitnet.cli.output.ErrorText;
import bitnet.cli.output.ExitCode;
import bitnet.cli.output.OutputFailure;
import bitnet.cli.output.StandardStreams;
import bitnet.data.BadRecordException;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.ServiceLoader;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/// The `bitnet` command: parses, runs one subcommand, and maps every exception to one line and an
/// exit code.
///
/// Subcommands inherit `--help`, `--version` and `--stacktrace`; they write to
/// `spec.commandLine().getOut()` and report errors by throwing. See [CommandGroups] for their
/// place in the help and [OptionSpelling] for the spelling of their options.
@Command(
    name = "bitnet",
    scope = ScopeType.INHERIT,
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND")
public final class Main implements Runnable {
  private static final List<Class<?>> COMMANDS =
      List.of(
          CreateModel.class,
          TrainTokenizer.class,
          MakeData.class,
          Convert.class,
          Verify.class,
          Inspect.class,
          Pull.class,
          Models.class,
          TrainCe.class,
          TrainGrpo.class,
          TrainReward.class,
          SimpleReward.class,
          Infer.class,
          Chat.class,
          Serve.class,
          Logits.class,
          Bench.class,
          Doctor.class,
          Evaluate.class,
          Score.class,
          EnergyRl.class,
          Report.class,
          Spark.class);
  private static final List<Class<?>> ABOUT_COMMANDS =
      List.of(GenerateCompletion.class, HelpCommand.class);

  @Option(
      names = "--stacktrace",
      scope = ScopeType.INHERIT,
      description = "Also print the stack trace of an error.")
  private boolean stackTrace;

  @Spec private CommandSpec spec;

  private Main() {}

  /// Runs the command line and exits the JVM with its code.
  public static void main(String[] args) {
    Locale.setDefault(Locale.ROOT); // a figure reads the same everywhere: 1.635, never 1,635
    ReaderWatch.start(() -> System.exit(ExitCode.READER_GONE));
    System.exit(run(args));
  }

  /// Runs the command line in this JVM, on its standard streams.
  ///
  /// @return the exit code: 0, 1 for a failure, 2 for a wrong command line or configuration, 130
  ///     for an interruption, 141 where the reader of the output has ended
  public static int run(String... args) {
    return run(StandardStreams.out(), StandardStreams.err(), args);
  }

  /// Runs the command line in this JVM, printing to `out` and `err`, which are flushed at the
  /// end.
  ///
  /// @return the exit code, as [#run(String...)]
  public static int run(PrintWriter out, PrintWriter err, String... args) {
    CommandLine line = commandLine(out, err, args);
    try {
      String[] spelled = OptionSpelling.canonical(line.getCommandSpec(), args);
      int code = line.execute(ConfigFile.expand(line.getCommandSpec(), spelled));
      out.flush(); // a result that cannot be written is a failure
      return code;
    } catch (OutputFailure failure) { // of the last lines
      Main main = line.getCommand();
      return main.report(failure, line);
    } catch (IOException | IllegalArgumentException failure) { // of a config file
      Main main = line.getCommand();
      return main.report(failure, line);
    } catch (LinkageError | VirtualMachineError failure) { // picocli hands on exceptions only
      Main main = line.getCommand();
      return main.report(failure, line);
    } finally {
      err.flush();
    }
  }

  /// The command with the subcommands that these arguments need, not yet parsed. To make the model
  /// of all of them took half of the time until a command began its work.
  static CommandLine commandLine(PrintWriter out, PrintWriter err, String... args) {
    Main main = new Main();
    CommandLine line = new CommandLine(main);
    addSubcommands(line, args);
    line.setOut(out)
        .setErr(err)
        .setUsageHelpAutoWidth(true)
        .setExpandAtFiles(false) // a prompt may begin with @
        .setExecutionStrategy(Main::execute)
        .setParameterExceptionHandler((failure, rejected) -> main.reject(failure))
        .setExecutionExceptionHandler((failure, at, parsed) -> main.report(failure, at));
    // not in the annotation, where subcommands would inherit it
    line.getCommandSpec()
        .usageMessage()
        .description("Create, train, evaluate and run 1.58-bit (ternary) LLaMA models.");
    line.getHelpSectionMap()
        .put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST_HEADING, help -> System.lineSeparator());
    line.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST, CommandGroups::render);
    return line;
  }

  /// picocli prints the help outside of its handling of failures: a full disk would end in a stack
  /// trace.
  private static int execute(ParseResult parsed) {
    try {
      return new RunLast().execute(parsed);
    } catch (OutputFailure failure) {
      CommandLine at = parsed.commandSpec().commandLine();
      throw new ExecutionException(at, failure.getMessage(), failure);
    }
  }

  /// The subcommand that the first word names; all if it names none, for help and for suggestions.
  /// Without a word no subcommand can run, and the list in the help needs their names and
  /// summaries.
  private static void addSubcommands(CommandLine line, String... args) {
    Optional<String> word =
        Arrays.stream(args).filter(argument -> !argument.startsWith("-")).findFirst();
    Optional<Class<?>> named =
        word.flatMap(name -> COMMANDS.stream().filter(each -> isNamed(each, name)).findFirst());
    if (named.isPresent()) {
      line.addSubcommand(provided(named.get()));
      return;
    }
    for (Class<?> command : COMMANDS) {
      line.addSubcommand(word.isEmpty() ? listed(command) : new CommandLine(command));
    }
    ABOUT_COMMANDS.forEach(line::addSubcommand);
  }

  /// The command of another module in the place of a built-in one.
  private static Class<?> provided(Class<?> command) {
    if (!command.equals(Spark.class)) { // to look takes a while
      return command;
    }
    return ServiceLoader.load(CommandProvider.class).stream()
        .map(ServiceLoader.Provider::get)
        .filter(provider -> isNamed(command, provider.name()))
        .<Class<?>>map(CommandProvider::command)
        .findFirst()
        .orElse(command);
  }

  /// What the list of commands shows of one, without its options.
  private static CommandLine listed(Class<?> command) {
    Command annotation = command.getAnnotation(Command.class);
    CommandSpec spec = CommandSpec.create().name(annotation.name());
    spec.usageMessage().header(annotation.header()).description(annotation.description());
    return new CommandLine(spec);
  }

  private static boolean isNamed(Class<?> command, String word) {
    return command.getAnnotation(Command.class).name().equals(word);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "missing command");
  }

  private int reject(ParameterException failure) {
    PrintWriter err = failure.getCommandLine().getErr();
    if (stackTrace) {
      failure.printStackTrace(err);
    }
    for (String line : ErrorText.of(failure)) {
      err.println(line);
    }
    return ExitCode.USAGE;
  }

  private int report(Throwable failure, CommandLine at) {
    PrintWriter err = at.getErr();
    if (stackTrace) {
      failure.printStackTrace(err);
    }
    if (failure instanceof OutputFailure output && output.readerGone()) {
      return ExitCode.READER_GONE;
    }
    err.println(ErrorText.of(failure, at.getCommandSpec()));
    return switch (failure) {
      case IllegalArgumentException usage -> ExitCode.USAGE;
      case BadRecordException data -> ExitCode.USAGE;
      default -> ExitCode.FAILURE;
    };
  }
}
