package bitnet.cli.output;

import bitnet.storage.PrintableText;
import bitnet.training.TrainingException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/// What a user reads when something went wrong: `bitnet: ` and the reason.
public final class ErrorText {
  /// `name`, or a word that may be a setting: it is not part of a path, a quotation or an option.
  private static final Pattern SETTING =
      Pattern.compile("`([a-z0-9_]+)`|(?<![\\w\\-\"./=])([a-z][a-z0-9_]*)(?![\\w\\-\"/.=:])");

  private ErrorText() {}

  /// A wrong command line: the reason, then what to try.
  public static List<String> of(ParameterException failure) {
    String command = failure.getCommandLine().getCommandSpec().qualifiedName();
    String advice = "Try '%s --help'.".formatted(command);
    if (!(failure instanceof UnmatchedArgumentException unmatched)) {
      return List.of("bitnet: " + PrintableText.escape(message(failure)), advice);
    }
    String argument = PrintableText.escape(unmatched.getUnmatched().getFirst());
    boolean hasSubcommands = !failure.getCommandLine().getSubcommands().isEmpty();
    String kind = unmatched.isUnknownOption() ? "option" : hasSubcommands ? "command" : "argument";
    Optional<String> suggestion =
        unmatched.getSuggestions().stream().filter(name -> similar(name, argument)).findFirst();
    return List.of(
        "bitnet: unknown %s '%s'".formatted(kind, argument),
        suggestion.map(name -> "Did you mean '%s'? ".formatted(name)).orElse("") + advice);
  }

  /// picocli always suggests something; what starts differently was not meant.
  private static boolean similar(String name, String argument) {
    return initial(name).equals(initial(argument));
  }

  private static String initial(String name) {
    String word = name.replaceFirst("^-+", "");
    return word.substring(0, Math.min(word.length(), 1));
  }

  /// A failure while a command ran, in one line. Messages of the library name settings; here they
  /// become the options of the command.
  ///
  /// @param command that ran
  public static String of(Throwable failure, CommandSpec command) {
    return "bitnet: " + PrintableText.escape(withFlags(reason(failure), command));
  }

  /// A setting is marked by backticks, begins the message or a difference of options in it, or has
  /// an underscore in its name.
  private static String withFlags(String message, CommandSpec command) {
    Matcher word = SETTING.matcher(message);
    return word.replaceAll(
        match -> {
          boolean marked = match.group(1) != null;
          String name = marked ? match.group(1) : match.group(2);
          boolean named = marked || name.contains("_") || isLeading(message, match);
          String option = optionOf(name, command);
          return Matcher.quoteReplacement(named && !option.isEmpty() ? option : name);
        });
  }

  /// Whether a word begins the message, or a difference of options in it.
  private static boolean isLeading(String message, MatchResult word) {
    return word.start() == 0
        || (message.startsWith(" was ", word.end())
            && (message.startsWith(", ", word.start() - 2)
                || message.startsWith(": ", word.start() - 2)));
  }

  /// The option of that name, or nothing; `train-ce` counts its steps as iterations.
  private static String optionOf(String name, CommandSpec command) {
    return Stream.of("--" + name, name.equals("steps") ? "--iters" : "")
        .filter(command.optionsMap()::containsKey)
        .findFirst()
        .orElse("");
  }

  private static String reason(Throwable failure) {
    return switch (failure) {
      case FileSystemException file -> reason(file);
      case UncheckedIOException wrapper when wrapper.getCause() != null ->
          reason(wrapper.getCause());
      case IOException file -> message(file);
      case TrainingException diverged -> message(diverged);
      case OutputFailure output -> message(output);
      case IllegalArgumentException usage -> message(usage);
      case OutOfMemoryError memory ->
          "the Java heap is too small (%s); try BITNET_JAVA_OPTS=-Xmx%dm"
              .formatted(memory.getMessage(), (Runtime.getRuntime().maxMemory() >> 20) * 2);
      default ->
          isOfNativeLibrary(failure)
              ? nativeLibrary(failure)
              : firstLine(failure.toString()) + " (--stacktrace shows where)";
    };
  }

  /// Whether a library of native code could not be unpacked, which happens at the first use.
  private static boolean isOfNativeLibrary(Throwable failure) {
    return message(failure).contains("native library") || message(failure).contains("jni files");
  }

  private static String nativeLibrary(Throwable failure) {
    String cause = "";
    for (Throwable next = failure.getCause(); next != null; next = next.getCause()) {
      if (next instanceof FileSystemException file) {
        cause = " (" + reason(file) + ")";
      }
    }
    return "%s%s; set DJL_CACHE_DIR to a directory that can be written and has 500 MB left"
        .formatted(firstLine(message(failure)), cause);
  }

  private static String reason(FileSystemException failure) {
    String explanation =
        switch (failure) {
          case NoSuchFileException missing -> "no such file or directory";
          case AccessDeniedException denied -> "permission denied";
          case FileAlreadyExistsException present -> "exists already";
          case NotDirectoryException file -> "not a directory";
          default -> failure.getReason() == null ? failure.toString() : failure.getReason();
        };
    return failure.getFile() == null ? explanation : failure.getFile() + ": " + explanation;
  }

  private static String message(Throwable failure) {
    return failure.getMessage() == null ? failure.toString() : failure.getMessage().strip();
  }

  /// libtorch appends its C++ frames to a message.
  private static String firstLine(String message) {
    return message.lines().findFirst().orElse("");
  }
}
