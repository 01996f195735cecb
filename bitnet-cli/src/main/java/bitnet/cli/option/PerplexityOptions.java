package bitnet.cli.option;

import bitnet.data.BadRecordPolicy;
import bitnet.data.LossMask;
import bitnet.data.Packing;
import bitnet.data.TextFormat;
import bitnet.eval.PerplexityEvaluation;
import bitnet.storage.TextInput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How `bitnet evaluate --task perplexity` reads a text.
public final class PerplexityOptions {
  private static final String CONTEXT = "--context";
  private static final String STRIDE = "--stride";
  private static final String TEXT_FORMAT = "--text_format";
  private static final String PACKING = "--packing";
  private static final String COMPLETION_ONLY = "--completion_only_loss";

  /// Their names.
  public static final List<String> NAMES =
      List.of(CONTEXT, STRIDE, TEXT_FORMAT, PACKING, COMPLETION_ONLY);

  @Option(
      names = CONTEXT,
      paramLabel = "N",
      description =
          "For --task perplexity: tokens of a window (default: the context length of the "
              + "model).")
  private @Nullable Integer context;

  @Option(
      names = STRIDE,
      paramLabel = "N",
      description =
          "For --task perplexity: tokens from the start of one window to the next; equal "
              + "to --context: non-overlapping windows as in train-ce (default: half of "
              + "--context).")
  private @Nullable Integer stride;

  @Option(
      names = TEXT_FORMAT,
      paramLabel = "F",
      description =
          "For --task perplexity: lines, document (the whole file is one text), json or "
              + "jsonl (default: json or jsonl by file name, else document).")
  private @Nullable String textFormat;

  @Option(
      names = PACKING,
      defaultValue = "stream",
      paramLabel = "P",
      description =
          "For --task perplexity: stream (windows over the whole text) or records (each "
              + "record by itself, as in train-ce --packing records) (default: ${DEFAULT-VALUE}).")
  private String packing;

  @Option(
      names = COMPLETION_ONLY,
      description =
          "For --task perplexity: predict completions (answers) only, not prompts; of "
              + "conversations always the assistant's turns only.")
  private boolean completionOnly;

  private PerplexityOptions() {}

  public PerplexityEvaluation evaluation(Path file, BadRecordPolicy policy, int batchSize)
      throws IOException {
    TextInput.requireFile(file, "the text of --task perplexity"); // also for its digest
    return new PerplexityEvaluation(
        file,
        format(file),
        policy,
        completionOnly ? LossMask.PROMPTS : LossMask.NONE,
        Packing.of(packing),
        optional(context),
        optional(stride),
        batchSize);
  }

  private TextFormat format(Path file) throws IOException {
    if (textFormat != null) {
      return TextFormat.of(textFormat);
    }
    TextFormat detected = TextFormat.detect(file);
    return detected == TextFormat.LINES ? TextFormat.DOCUMENT : detected;
  }

  private static OptionalInt optional(@Nullable Integer value) {
    return value == null ? OptionalInt.empty() : OptionalInt.of(value);
  }
}
