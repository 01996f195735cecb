package bitnet.grpo;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.data.QaRecord;
import bitnet.data.QaTemplate;
import bitnet.generation.SamplingSettings;
import bitnet.graph.ComputeType;
import bitnet.graph.LlamaModel;
import bitnet.graph.Parameter;
import bitnet.graph.TorchOps;
import bitnet.model.BlankWeights;
import bitnet.model.LatentInitializer;
import bitnet.model.LlamaConfig;
import bitnet.reward.Reward;
import bitnet.reward.RewardScore;
import bitnet.reward.WeightedReward;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import bitnet.training.CheckpointSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.LongConsumer;

/// Runs of a model of 50,000 weights whose tokens are bytes. It answers every question with a `7`
/// with probability one half, and with any of the other bytes equally often.
///
/// @param directory of the checkpoints
/// @param reward of the completions
/// @param training questions to learn from
/// @param heldOut questions to evaluate on
/// @param best keeps the best model
/// @param afterStep is called with the number of steps done
record TinyRun(
    Path directory,
    Reward reward,
    List<QaRecord> training,
    List<QaRecord> heldOut,
    BestModel best,
    LongConsumer afterStep) {

  static final LlamaConfig CONFIG = LlamaConfig.of(256, 64, 96, 1, 2).withContextLength(128);
  static final RuntimeSettings RUNTIME = RuntimeSettings.exact().withThreads(1);

  /// 1 for a `7` and nothing else.
  static final Reward SEVEN =
      (query, reference, completion) -> RewardScore.of(completion.equals("7") ? 1 : 0);

  /// 1 for everything but a `7`, which is the right answer.
  static final Reward NOT_SEVEN =
      (query, reference, completion) -> RewardScore.of(completion.equals("7") ? 0 : 1);

  private static final double SEVEN_LOGIT = Math.log(255);

  /// What is known after a run.
  ///
  /// @param heard what it said
  /// @param weights all parameters at its end
  /// @param best the step whose model was kept
  /// @param done whether all steps are done
  record Ended(Heard heard, List<float[]> weights, OptionalLong best, boolean done) {}

  /// A run on six questions whose answer is 7, without an evaluation.
  static TinyRun of(Path directory, Reward reward) {
    return new TinyRun(directory, reward, questions(6), List.of(), kept -> {}, step -> {});
  }

  TinyRun withTraining(List<QaRecord> other) {
    return new TinyRun(directory, reward, other, heldOut, best, afterStep);
  }

  TinyRun withHeldOut(int count) {
    return new TinyRun(directory, reward, training, questions(count), best, afterStep);
  }

  TinyRun withBest(BestModel other) {
    return new TinyRun(directory, reward, training, heldOut, other, afterStep);
  }

  TinyRun withAfterStep(LongConsumer other) {
    return new TinyRun(directory, reward, training, heldOut, best, other);
  }

  static List<QaRecord> questions(int count) {
    List<QaRecord> questions = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      questions.add(question("q" + i));
    }
    return questions;
  }

  static QaRecord question(String query) {
    return new QaRecord(query, "7", Optional.empty());
  }

  /// Two prompts a step with 8 completions of one token, one layer, no KL penalty, a checkpoint
  /// after each step.
  static GrpoSettings settings(long steps) {
    GrpoSettings defaults = GrpoSettings.defaults(steps);
    return defaults
        .withRollouts(GrpoSettings.Rollout.of(2, 8, 1, new SamplingSettings(1, 0, 1, 0, 1, 3)))
        .withLoss(defaults.loss().withBeta(0).withMaxLength(1))
        .withOptimizer(defaults.optimizer().withLearningRate(1e-3))
        .withCheckpoints(new CheckpointSettings(1, 99));
  }

  static LlamaModel model(NDManager manager) throws IOException {
    LlamaModel model =
        LlamaModel.load(
            new BlankWeights(CONFIG, new LatentInitializer(1, 0.02)), manager, ComputeType.FP32);
    int hidden = CONFIG.hiddenSize();
    float[] head = new float[CONFIG.vocabSize() * hidden];
    for (int i = 0; i < hidden; i++) {
      head[i * hidden + i] = 1;
    }
    model.head().value().set(head); // logits are now the hidden state
    float[] state = lastLogits(model, QaTemplate.prompt("q0"));
    double squares = 0;
    for (int i = 0; i < hidden; i++) {
      squares += state[i] * state[i];
    }
    Arrays.fill(head, 0);
    for (int i = 0; i < hidden; i++) {
      head['7' * hidden + i] = (float) (SEVEN_LOGIT * state[i] / squares);
    }
    model.head().value().set(head);
    return model;
  }

  private static float[] lastLogits(LlamaModel model, String text) {
    long[] ids = bytes(text);
    try (NDManager scope = model.manager().newSubManager()) {
      NDArray logits = model.logits(scope, scope.create(ids).reshape(1, ids.length));
      return logits.get(ids.length - 1).toFloatArray();
    }
  }

  private static long[] bytes(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    long[] ids = new long[bytes.length];
    Arrays.setAll(ids, i -> bytes[i] & 0xff);
    return ids;
  }

  /// Trains from the first step.
  Ended train(GrpoSettings settings) throws IOException {
    return run(settings, OptionalLong.empty());
  }

  /// Trains from a checkpoint.
  Ended resume(GrpoSettings settings, long step) throws IOException {
    return run(settings, OptionalLong.of(step));
  }

  private Ended run(GrpoSettings settings, OptionalLong from) throws IOException {
    TorchOps.prepareThread(1);
    Heard heard = new Heard(afterStep);
    try (NDManager manager = NDManager.newBaseManager();
        Tokenizer tokenizer = Tokenizer.byteLevel();
        LlamaModel model = model(manager);
        WeightedReward rewards =
            new WeightedReward(List.of(new WeightedReward.Term("seven", reward, 1)));
        GrpoTrainer trainer =
            new GrpoTrainer(
                new GrpoTrainer.Inputs(
                    model, tokenizer, Set.of(), rewards, training, heldOut, best),
                settings,
                RUNTIME,
                directory)) {
      if (from.isPresent()) {
        trainer.resume(directory.resolve(TrainingCheckpoint.name(from.getAsLong())));
        afterStep.accept(from.getAsLong());
      }
      boolean done = trainer.run(heard);
      List<float[]> weights =
          model.parameters().stream().map(Parameter::value).map(NDArray::toFloatArray).toList();
      return new Ended(heard, weights, trainer.bestStep(), done);
    }
  }
}
