package bitnet.cli.commands;

import bitnet.checkpoint.ModelDirectory;
import bitnet.cli.option.SizeOptions;
import bitnet.cli.output.CreatedModel;
import bitnet.cli.output.ExitCode;
import bitnet.cli.output.Terminal;
import bitnet.model.Activation;
import bitnet.model.ActivationScale;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.model.ModelFamily;
import bitnet.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.LongConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet create-model`: a blank ternary model of a given number of parameters.
@Command(
    name = "create-model",
    description = "Create a blank (untrained) ternary model of a given size.",
    sortOptions = false)
public final class CreateModel implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SizeOptions size;

  @Option(
      names = "--output_dir",
      paramLabel = "DIR",
      description =
          "Output directory (default: llama_<params>_ternary_quantized_optimized in the "
              + "working directory).")
  private @Nullable Path outputDir;

  @Option(
      names = "--tokenizer",
      defaultValue = "default",
      paramLabel = "T",
      description =
          "default (the bundled byte-level BPE), bytes (one token per byte), a "
              + "tokenizer.json, or a directory that contains one (default: ${DEFAULT-VALUE}).")
  private String tokenizer;

  @Option(
      names = "--vocab_size",
      paramLabel = "N",
      description =
          "Vocabulary size of the model, at least that of the tokenizer (default: the "
              + "size of the tokenizer).")
  private @Nullable Integer vocabSize;

  @Option(
      names = "--context",
      defaultValue = "2048",
      paramLabel = "N",
      description = "Context length in tokens (default: ${DEFAULT-VALUE}).")
  private int context;

  @Option(
      names = "--family",
      defaultValue = "llama",
      paramLabel = "F",
      description =
          "Architecture: llama; bitnet, as BitNet b1.58 2B4T (sub-norms, relu2, tied head, rope"
              + " theta 500000); qwen2 (biases of q, k and v, rope theta 1000000); qwen3 (norms of"
              + " q and k, rope theta 1000000) (default: ${DEFAULT-VALUE}).")
  private String family;

  @Option(
      names = "--activation",
      paramLabel = "A",
      description =
          "Activation of the feed-forward gate: silu as in LLaMA, or relu2 as in BitNet "
              + "b1.58 2B4T (default: that of the family).")
  private @Nullable String activation;

  @Option(
      names = "--sub_norms",
      description =
          "Add an RMSNorm before o_proj and before down_proj (SubLN), as in BitNet b1.58 "
              + "2B4T.")
  private boolean subNorms;

  @Option(names = "--tied", description = "Tie the output head (lm_head) to the embedding.")
  private boolean tied;

  @Option(
      names = {"--ternary_embeddings", "--e"},
      description =
          "Experimental: also make the embedding ternary, with one scale per token, or with those"
              + " of --scale_columns. The file is smaller, the model is worse.")
  private boolean ternaryEmbeddings;

  @Option(
      names = "--scale_columns",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Inputs that share a weight scale in a row of a ternary matrix, 64 or 128; 0: one scale"
              + " for a whole matrix, as in BitNet (default: ${DEFAULT-VALUE}).")
  private int scaleColumns;

  @Option(
      names = "--activations",
      defaultValue = "int8",
      paramLabel = "A",
      description =
          "Quantization of the inputs of ternary layers: int8 (one scale per token) or, with"
              + " --scale_columns, int8-group (one per group of inputs) or float (none) (default:"
              + " ${DEFAULT-VALUE}).")
  private String activations;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "S",
      description = "Seed of the initial weights (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(names = "--force", description = "Replace an existing model at the output path.")
  private boolean force;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  private CreateModel() {}

  @Override
  public Integer call() throws IOException {
    long start = System.nanoTime();
    try (Tokenizer opened = Tokenizer.named(tokenizer)) {
      LlamaConfig config =
          size.configure(template(vocabSize == null ? opened.vocabSize() : vocabSize));
      Path target = outputDir == null ? defaultDirectory(config) : outputDir;
      write(target, config, opened);
      double seconds = (System.nanoTime() - start) / 1e9;
      CreatedModel created =
          new CreatedModel(target, config, size.budget(), opened.vocabSize(), seed, seconds);
      PrintWriter out = spec.commandLine().getOut();
      out.print(json ? created.json() : created.table());
    }
    return ExitCode.OK;
  }

  private LlamaConfig template(int tokens) {
    LlamaConfig blank = ModelFamily.of(family).blank(tokens);
    return blank
        .withContextLength(context)
        .withActivation(activation == null ? blank.activation() : Activation.of(activation))
        .withSubNorms(subNorms || blank.subNorms())
        .withWeights(
            new LlamaConfig.Weights(
                tied || blank.tiedHead(),
                scaleColumns,
                ternaryEmbeddings,
                false,
                ActivationScale.of(activations)));
  }

  private Path defaultDirectory(LlamaConfig config) {
    String params = size.params().orElseGet(() -> CreatedModel.shortCount(config.parameterCount()));
    return Path.of("llama_%s_ternary_quantized_optimized".formatted(params));
  }

  private void write(Path target, LlamaConfig config, Tokenizer opened) throws IOException {
    LatentInitializer initializer =
        new LatentInitializer(seed, LatentInitializer.DEFAULT_DEVIATION);
    ModelDirectory.Existing existing =
        force ? ModelDirectory.Existing.REPLACE : ModelDirectory.Existing.REFUSE;
    if (!Terminal.isInteractive()) {
      LongConsumer silent = parameters -> {};
      ModelDirectory.writeBlank(target, config, initializer, opened, existing, silent);
      return;
    }
    try (ProgressBar bar =
        new ProgressBarBuilder()
            .setTaskName("create-model")
            .setInitialMax(config.parameterCount())
            .setUnit("M", 1_000_000)
            .build()) {
      ModelDirectory.writeBlank(target, config, initializer, opened, existing, bar::stepTo);
    }
  }
}
