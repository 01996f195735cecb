package bitnet.cli.commands;

import bitnet.checkpoint.ModelLocation;
import bitnet.checkpoint.ModelSource;
import bitnet.cli.option.AnswerOptions;
import bitnet.cli.option.BadRecordOptions;
import bitnet.cli.option.BenchmarkOptions;
import bitnet.cli.option.ConfigFile;
import bitnet.cli.option.DataText;
import bitnet.cli.option.EvaluatedModelOptions;
import bitnet.cli.option.PerplexityOptions;
import bitnet.cli.option.RuntimeOptions;
import bitnet.cli.output.EvaluationOutput;
import bitnet.cli.output.ExitCode;
import bitnet.data.BadRecordPolicy;
import bitnet.data.Benchmark;
import bitnet.data.ChoiceDataset;
import bitnet.data.QaDataset;
import bitnet.eval.AnswerEvaluation;
import bitnet.eval.AnswerSettings;
import bitnet.eval.ChoiceEvaluation;
import bitnet.eval.Evaluation;
import bitnet.eval.EvaluationReport;
import bitnet.eval.EvaluationRun;
import bitnet.eval.Sample;
import bitnet.eval.SamplesFile;
import bitnet.runtime.RuntimeSettings;
import bitnet.setting.SettingChecks;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bitnet evaluate`: evaluates models on the same records, in this process; a subclass may do it
/// elsewhere.
@Command(
    name = "evaluate",
    description = "Evaluate models on questions, reasoning, perplexity or multiple choice.",
    sortOptions = false)
public class Evaluate implements Callable<Integer> {
  private static final String DATASET = "--dataset";
  private static final String LIMIT = "--limit";
  private static final String SAMPLES_FILE = "--samples_file";
  private static final String SEED = "--seed";

  @Spec private CommandSpec spec;

  @Option(
      names = "--task",
      defaultValue = "qa",
      paramLabel = "T",
      description =
          "qa (final answers and word overlap), reasoning (also the text inside <think> "
              + "and its steps), perplexity (of a text) or choice (multiple choice by "
              + "log-likelihood) (default: ${DEFAULT-VALUE}).")
  private String task;

  @Option(
      names = DATASET,
      paramLabel = "FILE",
      description =
          "JSONL, a JSON array or Parquet of {\"query\", \"answer\", \"reasoning\"?}; for "
              + "perplexity a text; for choice ARC or HellaSwag as published. "
              + DataText.FORMS
              + " Perplexity needs a file.")
  private @Nullable Path dataset;

  @Mixin private BenchmarkOptions benchmark;

  @Option(
      names = LIMIT,
      paramLabel = "N",
      description = "Evaluate on the first N records only, at least 1 (default: all).")
  private @Nullable Integer limit;

  @Mixin private BadRecordOptions badRecords;

  @Mixin private EvaluatedModelOptions models;

  @Option(
      names = "--batch_size",
      defaultValue = "16",
      paramLabel = "N",
      description =
          "Sequences computed together; affects speed only, not results (default: "
              + "${DEFAULT-VALUE}).")
  private int batchSize;

  @Mixin private AnswerOptions answers;
  @Mixin private PerplexityOptions windows;

  @Option(
      names = SEED,
      defaultValue = "0",
      paramLabel = "S",
      description = "Seed of sampling and of bootstrap intervals (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = SAMPLES_FILE,
      paramLabel = "FILE",
      description = "Write the output of each model for each record to this JSONL file.")
  private @Nullable Path samplesFile;

  @Option(
      names = "--resume",
      description = "Continue with the records that the --samples_file does not contain yet.")
  private boolean resume;

  @Option(
      names = "--csv_log",
      paramLabel = "FILE",
      description = "Write the metrics to a CSV file: model,metric,value,low,high,count.")
  private @Nullable Path csvLog;

  @Option(names = "--json", description = "Print the metrics as one JSON object.")
  private boolean json;

  @Mixin private RuntimeOptions runtime;

  @SuppressWarnings("unused") // for its option
  @Mixin
  private ConfigFile.Mixin configFile;

  protected Evaluate() {}

  @Override
  public Integer call() throws IOException {
    if (resume && samplesFile == null) {
      throw new IllegalArgumentException(
          "--resume needs --samples_file, the file of the run to continue");
    }
    runtime.requireProcessor("evaluate");
    EvaluationRun run = new EvaluationRun(models.locations(), runtime.settings());
    for (ModelLocation location : run.models().values()) {
      try (ModelSource source = ModelSource.open(location)) {
        source
            .madeTernary(run.runtime().fullPrecision())
            .ifPresent(line -> spec.commandLine().getErr().println("bitnet: " + line));
      }
    }
    return evaluate(run, evaluation());
  }

  /// The evaluation that the options ask for.
  ///
  /// @throws IOException if its records cannot be read
  protected final Evaluation<?> evaluation() throws IOException {
    BadRecordPolicy policy = badRecords.policy();
    return switch (task) {
      case "qa" -> questions(policy, false);
      case "reasoning" -> questions(policy, true);
      case "perplexity" -> {
        refuse(AnswerOptions.NAMES);
        refuse(List.of(LIMIT, SEED));
        refuse(BenchmarkOptions.NAMES);
        yield windows.evaluation(required(), policy, batchSize);
      }
      case "choice" -> {
        refuse(AnswerOptions.NAMES);
        refuse(PerplexityOptions.NAMES);
        refuse(BenchmarkOptions.NAMES);
        ChoiceDataset records = ChoiceDataset.load(required(), policy);
        say(dataset + ": " + records.summary());
        yield new ChoiceEvaluation(limited(records.records()), batchSize, seed);
      }
      default ->
          throw new IllegalArgumentException(
              "task \"%s\" is unknown; use qa, reasoning, perplexity or choice".formatted(task));
    };
  }

  /// Refuses options that the task has no use for.
  private void refuse(List<String> options) {
    for (String option : options) {
      if (isGiven(option)) {
        throw new IllegalArgumentException(
            "%s has no effect with --task %s; leave it out".formatted(option, task));
      }
    }
  }

  private boolean isGiven(String option) {
    return spec.commandLine().getParseResult().hasMatchedOption(option);
  }

  private Evaluation<?> questions(BadRecordPolicy policy, boolean reasoning) throws IOException {
    refuse(PerplexityOptions.NAMES);
    AnswerSettings settings = answers.settings(batchSize, seed, reasoning, this::isGiven);
    Path path = benchmark.path(dataset, "test");
    Benchmark set = benchmark.benchmark();
    QaDataset records = set == null ? QaDataset.load(path, policy) : set.load(path, policy);
    say(benchmark.label(dataset, "test") + ": " + records.summary());
    return new AnswerEvaluation(limited(records.records()), settings);
  }

  private Path required() {
    if (dataset == null) {
      throw new IllegalArgumentException(
          "--task %s needs %s FILE; name the file to evaluate on".formatted(task, DATASET));
    }
    return dataset;
  }

  private <T> List<T> limited(List<T> records) {
    if (limit == null) {
      return records;
    }
    SettingChecks.atLeast("limit", limit, 1);
    return records.subList(0, Math.min(limit, records.size()));
  }

  private <S extends Sample> Integer evaluate(EvaluationRun run, Evaluation<S> evaluation)
      throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    EvaluationReport report;
    try (SamplesFile<S> kept =
            samplesFile == null
                ? SamplesFile.none()
                : SamplesFile.open(samplesFile, evaluation.sampleType(), resume);
        EvaluationOutput output = new EvaluationOutput(out, json)) {
      report = report(run, evaluation, kept, output);
    }
    if (csvLog != null) {
      report.writeCsv(csvLog);
    }
    if (json) {
      out.println(report.json());
    } else {
      out.println();
      out.print(report.table());
    }
    return ExitCode.OK;
  }

  /// Evaluates the records that the samples file does not contain yet.
  protected <S extends Sample> EvaluationReport report(
      EvaluationRun run,
      Evaluation<S> evaluation,
      SamplesFile<S> kept,
      EvaluationRun.Progress progress)
      throws IOException {
    return run.evaluate(evaluation, kept, progress);
  }

  /// The file of `--dataset`, if one is given.
  protected final @Nullable Path dataset() {
    return dataset;
  }

  /// How models are computed.
  protected final RuntimeSettings runtimeSettings() {
    return runtime.settings();
  }

  /// The command's own description, with its output.
  protected final CommandSpec spec() {
    return spec;
  }

  /// Prints a line for people, if the output is for them.
  protected final void say(String line) {
    if (!json) {
      spec.commandLine().getOut().println(line);
    }
  }
}
