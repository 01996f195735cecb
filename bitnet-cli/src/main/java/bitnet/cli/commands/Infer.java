package bitnet.cli.commands;

import bitnet.cli.option.AdapterOptions;
import bitnet.cli.option.CompletionOptions;
import bitnet.cli.option.RuntimeOptions;
import bitnet.cli.output.ExitCode;
import bitnet.cli.output.StandardStreams;
import bitnet.generation.Completion;
import bitnet.generation.GenerationSettings;
import bitnet.generation.Generator;
import bitnet.generation.TextModel;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet infer`: continues prompts.
@Command(
    name = "infer",
    description = "Generate text from a prompt. The output does not repeat the prompt.",
    sortOptions = false)
public final class Infer implements Callable<Integer> {
  private static final String STANDARD_INPUT = "-";
  private static final int TITLE_LENGTH = 60;

  @Spec private CommandSpec spec;

  @Mixin private AdapterOptions modelOptions;

  @Option(
      names = "--prompt",
      required = true,
      paramLabel = "TEXT",
      description =
          "Prompt to continue; - reads standard input; repeat the option for several prompts.")
  private List<String> prompts;

  @Option(
      names = "--json",
      description = "Print one JSON object per prompt, with tokens and their log-probabilities.")
  private boolean json;

  @Mixin private CompletionOptions writing;
  @Mixin private RuntimeOptions runtime;

  private Infer() {}

  @Override
  public Integer call() throws IOException {
    GenerationSettings settings = writing.settings();
    List<String> texts = texts();
    long start = System.nanoTime();
    try (TextModel model =
        TextModel.open(modelOptions.location(), runtime.device(), runtime.settings())) {
      model.warnings().forEach(warning -> printStats("bitnet: " + warning));
      if (writing.stats()) {
        printStats(
            String.format(
                Locale.ROOT,
                "loaded in %.2f s: %s",
                (System.nanoTime() - start) / 1e9,
                model.model().description()));
      }
      for (int i = 0; i < texts.size(); i++) {
        complete(model.generator(), settings, texts, i);
      }
    }
    return ExitCode.OK;
  }

  private List<String> texts() throws IOException {
    if (prompts.stream().filter(STANDARD_INPUT::equals).count() > 1) {
      throw new IllegalArgumentException(
          "--prompt - is given twice; standard input can be read once");
    }
    List<String> texts = new ArrayList<>();
    for (String prompt : prompts) {
      texts.add(prompt.equals(STANDARD_INPUT) ? StandardStreams.text() : prompt);
    }
    return texts;
  }

  private void complete(
      Generator generator, GenerationSettings settings, List<String> texts, int index)
      throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    String prompt = texts.get(index);
    if (!json && texts.size() > 1) {
      out.printf("== prompt %d: %s%n", index + 1, title(prompt));
    }
    int[] tokens = generator.promptTokens(prompt);
    Completion completion =
        generator.generate(tokens, index, settings, json ? piece -> {} : piece -> show(out, piece));
    out.println(json ? describe(prompt, completion) : "");
    out.flush();
    if (writing.stats()) {
      Completion.Timings timings = completion.timings();
      printStats(
          String.format(
              Locale.ROOT,
              "prompt %d tokens, %.1f tok/s; text %d tokens, %.1f tok/s; ended by %s",
              timings.promptTokens(),
              timings.prefillTokensPerSecond(),
              completion.tokens().length,
              timings.decodeTokensPerSecond(),
              completion.finish().name().toLowerCase(Locale.ROOT)));
    }
  }

  /// Flushed, so that it stands where it belongs among the text.
  private void printStats(String line) {
    PrintWriter err = spec.commandLine().getErr();
    err.println(line);
    err.flush();
  }

  private static void show(PrintWriter out, String piece) {
    out.print(piece);
    out.flush();
  }

  private static String title(String prompt) {
    String line = prompt.replaceAll("\\R", " ");
    return line.codePointCount(0, line.length()) <= TITLE_LENGTH
        ? line
        : line.substring(0, line.offsetByCodePoints(0, TITLE_LENGTH)) + "...";
  }

  private static String describe(String prompt, Completion completion) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode node = mapper.createObjectNode();
    node.put("prompt", prompt);
    node.put("text", completion.text());
    node.put("finish", completion.finish().name().toLowerCase(Locale.ROOT));
    node.put("prompt_tokens", completion.timings().promptTokens());
    ArrayNode tokens = node.putArray("tokens");
    Arrays.stream(completion.tokens()).forEach(tokens::add);
    ArrayNode drawn = node.putArray("log_probabilities");
    Arrays.stream(completion.logProbabilities()).forEach(drawn::add);
    ArrayNode model = node.putArray("model_log_probabilities");
    Arrays.stream(completion.modelLogProbabilities()).forEach(model::add);
    node.put("prefill_tok_s", completion.timings().prefillTokensPerSecond());
    node.put("decode_tok_s", completion.timings().decodeTokensPerSecond());
    return mapper.writeValueAsString(node);
  }
}
