package bitnet.cli.commands;

import bitnet.cli.option.AdapterOptions;
import bitnet.cli.option.CompletionOptions;
import bitnet.cli.option.RuntimeOptions;
import bitnet.cli.output.ChatInput;
import bitnet.cli.output.ExitCode;
import bitnet.generation.Completion;
import bitnet.generation.Conversation;
import bitnet.generation.FinishReason;
import bitnet.generation.TextModel;
import bitnet.storage.PrintableText;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet chat`: a conversation with a model.
@Command(
    name = "chat",
    description =
        "Chat with a model. /reset clears the conversation, /system TEXT sets the "
            + "system prompt, /exit quits; Ctrl-C stops a reply.",
    sortOptions = false)
public final class Chat implements Callable<Integer> {
  private static final String HELP =
      "/reset forget the conversation; /system TEXT new instructions; /exit or Ctrl-D leave";

  @Spec private CommandSpec spec;

  @Mixin private AdapterOptions modelOptions;

  @Option(
      names = "--system",
      defaultValue = "",
      paramLabel = "TEXT",
      description = "System prompt of the conversation.")
  private String system;

  @Mixin private CompletionOptions writing;
  @Mixin private RuntimeOptions runtime;

  private Chat() {}

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    try (TextModel model =
            TextModel.open(modelOptions.location(), runtime.device(), runtime.settings());
        Conversation conversation = model.converse(writing.settings());
        ChatInput input = ChatInput.open()) {
      PrintWriter err = spec.commandLine().getErr();
      model.warnings().forEach(warning -> err.println("bitnet: " + warning));
      conversation.reset(system);
      if (input.isInteractive()) {
        out.println(model.model().description());
        out.println(HELP);
      }
      String line = input.next();
      while (line != null && !line.equals("/exit")) {
        if (!line.isBlank()) {
          answer(conversation, input, line.strip());
        }
        line = input.next();
      }
      return ExitCode.OK;
    }
  }

  private void answer(Conversation conversation, ChatInput input, String line) {
    PrintWriter out = spec.commandLine().getOut();
    if (line.equals("/reset")) {
      conversation.reset();
      out.println("(the conversation is forgotten)");
    } else if (line.equals("/system") || line.startsWith("/system ")) {
      conversation.reset(line.substring("/system".length()).strip());
      out.println("(a new conversation with these instructions)");
    } else if (line.startsWith("/")) {
      out.println(HELP);
    } else {
      say(conversation, input, line);
    }
    out.flush();
  }

  private void say(Conversation conversation, ChatInput input, String text) {
    PrintWriter out = spec.commandLine().getOut();
    try {
      input.startAnswer();
      Completion answer =
          conversation.say(
              text,
              piece -> {
                out.print(piece);
                out.flush();
              },
              input::stopped);
      out.println(answer.finish() == FinishReason.INTERRUPTED ? " (stopped)" : "");
      if (writing.stats()) {
        PrintWriter err = spec.commandLine().getErr();
        err.printf(
            Locale.ROOT,
            "read %d tokens, %.1f tok/s; wrote %d tokens, %.1f tok/s%n",
            answer.timings().promptTokens(),
            answer.timings().prefillTokensPerSecond(),
            answer.tokens().length,
            answer.timings().decodeTokensPerSecond());
        err.flush();
      }
    } catch (IllegalArgumentException refusal) { // of this message; the conversation continues
      out.println("(" + PrintableText.escape(String.valueOf(refusal.getMessage())) + ")");
    }
  }
}
