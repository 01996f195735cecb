package bitnet.grpo;

import ai.djl.ndarray.NDManager;
import bitnet.data.QaRecord;
import bitnet.graph.ComputeType;
import bitnet.graph.LlamaModel;
import bitnet.graph.SelectedDevice;
import bitnet.graph.TorchOps;
import bitnet.metrics.TrainingReport;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.reward.RewardSpec;
import bitnet.reward.WeightedReward;
import bitnet.runtime.RuntimeSettings;
import bitnet.setting.SettingChecks;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.CheckpointSettings;
import bitnet.training.LearningRateDecay;
import bitnet.training.LearningRateSchedule;
import bitnet.training.OptimizerSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/// How long a step of GRPO takes: answers, rewards, reference, one update and new weights for the
/// runtime. The questions are sums, spelled in bytes: prompts of 28 to 30 tokens.
///
/// @param config of a blank model, with a vocabulary of at least 256
/// @param type of the graph's products
/// @param queries in a step
/// @param groupSize answers to each
/// @param newTokens of an answer
/// @param beta weight of the divergence from the reference; 0: no reference
/// @param steps that count, after [#WARM_UP] that do not
public record GrpoBenchmark(
    LlamaConfig config,
    ComputeType type,
    int queries,
    int groupSize,
    int newTokens,
    double beta,
    int steps) {

  /// Steps in which the virtual machine still compiles.
  static final int WARM_UP = 4;

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if there is no step
  public GrpoBenchmark {
    SettingChecks.atLeast("steps", steps, 1);
  }

  /// What was measured, in seconds: the step with the median total.
  ///
  /// @param step the whole
  /// @param rollout drawing answers
  /// @param reward scoring them
  /// @param reference the reference's log-probabilities
  /// @param update forward, backward and optimizer
  /// @param repack new weights for the runtime
  /// @param rolloutTokensPerSecond tokens drawn in a second of rollouts
  public record Result(
      double step,
      double rollout,
      double reward,
      double reference,
      double update,
      double repack,
      double rolloutTokensPerSecond) {}

  /// Runs the steps.
  public Result run(SelectedDevice device, RuntimeSettings runtime) throws IOException {
    TorchOps.prepareThread(runtime.threads());
    BlankWeights weights =
        new BlankWeights(config, new LatentInitializer(0, LatentInitializer.DEFAULT_DEVIATION));
    Steps rows = new Steps();
    try (NDManager manager = NDManager.newBaseManager(device.device(), "PyTorch");
        LlamaModel model = LlamaModel.load(weights, manager, type);
        Tokenizer tokenizer = Tokenizer.byteLevel();
        WeightedReward rewards = new RewardSpec(List.of("f1"), List.of()).open();
        GrpoTrainer trainer =
            new GrpoTrainer(
                new GrpoTrainer.Inputs(model, tokenizer, Set.of(), rewards, questions(), List.of()),
                settings(),
                runtime,
                Path.of("unused"))) {
      for (int step = 0; step < WARM_UP + steps; step++) {
        trainer.advance(rows);
      }
    }
    List<Result> results = new ArrayList<>(rows.results.subList(WARM_UP, rows.results.size()));
    results.sort(Comparator.comparingDouble(Result::step));
    return results.get(results.size() / 2);
  }

  private List<QaRecord> questions() {
    return IntStream.range(0, queries * (WARM_UP + steps))
        .mapToObj(i -> new QaRecord(i + "+" + (i + 7) + "=", "" + (2 * i + 7), Optional.empty()))
        .toList();
  }

  private GrpoSettings settings() {
    GrpoSettings defaults = GrpoSettings.defaults(WARM_UP + steps);
    return defaults
        .withRollouts(
            GrpoSettings.Rollout.of(queries, groupSize, newTokens, defaults.rollouts().sampling()))
        .withLoss(
            new GrpoLoss(
                LossType.GRPO, 0.2, 0.2, beta, KlEstimator.K3, Importance.TOKEN, newTokens))
        .withOptimizer(
            new OptimizerSettings(
                new LearningRateSchedule(
                    LearningRateDecay.of("constant"), 1e-4, 0, 0, WARM_UP + steps),
                1))
        .withEvaluation(GrpoSettings.Evaluation.every(0))
        .withCheckpoints(new CheckpointSettings(0, 1));
  }

  /// Keeps the times of steps.
  private static final class Steps implements GrpoListener {
    private final List<Result> results = new ArrayList<>();
    private long tokens;

    @Override
    public void drew(List<CompletionRecord> answers) {}

    @Override
    public void noticed(String line) {}

    @Override
    public void started(TrainingReport report) {}

    @Override
    public void stepped(TrainingReport report) {
      Map<String, Double> row = report.row();
      double rollout = seconds(row, StepTimes.Part.GENERATION);
      long drawn = row.getOrDefault("num_tokens", 0.0).longValue();
      results.add(
          new Result(
              row.getOrDefault("step_time", 0.0),
              rollout,
              seconds(row, StepTimes.Part.REWARD),
              seconds(row, StepTimes.Part.REFERENCE),
              seconds(row, StepTimes.Part.FORWARD)
                  + seconds(row, StepTimes.Part.BACKWARD)
                  + seconds(row, StepTimes.Part.OPTIMIZER),
              seconds(row, StepTimes.Part.REPACK),
              (drawn - tokens) / rollout));
      tokens = drawn;
    }

    private static double seconds(Map<String, Double> row, StepTimes.Part part) {
      return row.getOrDefault(part.column(), 0.0);
    }

    @Override
    public void skipped(long step, String reason) {}

    @Override
    public void saved(Path checkpoint) {}
  }
}
