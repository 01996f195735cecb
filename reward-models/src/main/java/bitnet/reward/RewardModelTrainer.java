package bitnet.reward;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import bitnet.data.PreferenceRecord;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import bitnet.graph.TorchOps;
import bitnet.training.OptimizerStep;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/// Trains a [TransformerRewardModel].
final class RewardModelTrainer implements AutoCloseable {
  private static final double LONGEST_GRADIENT = 1;

  private final TransformerRewardModel model;
  private final LlamaModel encoder;
  private final List<PreferenceRecord> records;
  private final RewardTraining settings;
  private final int batchSize;
  private final OptimizerStep optimizer;
  private final NDManager manager;
  private final NDArray first; // the head's moments
  private final NDArray second;
  private final NDArray count;

  RewardModelTrainer(
      TransformerRewardModel model,
      List<PreferenceRecord> records,
      RewardTraining settings,
      int batchSize) {
    if (records.isEmpty()) {
      throw new IllegalArgumentException("there are no records to learn from; give at least one");
    }
    if (batchSize < 1) {
      throw new IllegalArgumentException("batch_size %d must be at least 1".formatted(batchSize));
    }
    this.model = model;
    this.encoder = model.encoder();
    this.records = records;
    this.settings = settings;
    this.batchSize = batchSize;
    this.optimizer = new OptimizerStep(encoder);
    this.manager = encoder.manager().newSubManager();
    Shape shape = model.head().getShape();
    this.first = manager.zeros(shape, DataType.FLOAT32);
    this.second = manager.zeros(shape, DataType.FLOAT32);
    this.count = manager.zeros(new Shape(), DataType.FLOAT32);
  }

  void run(Consumer<RewardTraining.Epoch> listener) {
    List<PreferenceRecord> order = new ArrayList<>(records);
    Random random = new Random(settings.seed());
    long stepsPerEpoch = (order.size() + batchSize - 1L) / batchSize;
    long steps = stepsPerEpoch * settings.epochs();
    long step = 0;
    for (int epoch = 1; epoch <= settings.epochs(); epoch++) {
      Collections.shuffle(order, random);
      double loss = 0;
      for (int start = 0; start < order.size(); start += batchSize) {
        double rate = settings.learningRate() * (1 - (double) step++ / steps);
        loss += step(order.subList(start, Math.min(order.size(), start + batchSize)), rate);
      }
      listener.accept(new RewardTraining.Epoch(epoch, loss / order.size()));
    }
  }

  /// One step of the optimizer; returns the batch's summed loss before it.
  private double step(List<PreferenceRecord> batch, double learningRate) {
    List<AnswerTokens> answers = new ArrayList<>();
    for (PreferenceRecord record : batch) {
      switch (record) {
        case PreferenceRecord.Pair pair -> {
          answers.add(model.tokens(pair.query(), pair.chosen()));
          answers.add(model.tokens(pair.query(), pair.rejected()));
        }
        case PreferenceRecord.Label label ->
            answers.add(model.tokens(label.query(), label.answer()));
      }
    }
    double loss = 0;
    try (AnswerPass pass = model.forward(answers, ForwardPass.Keep.ALL)) {
      double[] slopes = new double[answers.size()];
      int row = 0;
      for (PreferenceRecord record : batch) {
        switch (record) {
          case PreferenceRecord.Pair pair -> {
            double chosen = pass.logit(row);
            double rejected = pass.logit(row + 1);
            loss += PreferenceLoss.ofPair(chosen, rejected);
            slopes[row] = PreferenceLoss.pairSlope(chosen, rejected) / batch.size();
            slopes[row + 1] = -slopes[row];
            row += 2;
          }
          case PreferenceRecord.Label label -> {
            double logit = pass.logit(row);
            loss += PreferenceLoss.ofLabel(logit, label.label());
            slopes[row++] = PreferenceLoss.labelSlope(logit, label.label()) / batch.size();
          }
        }
      }
      apply(learningRate, pass.backward(slopes));
    }
    return loss;
  }

  private void apply(double learningRate, float[] dHead) {
    TorchOps ops = encoder.ops();
    try (NDManager scope = manager.newSubManager()) {
      NDArray gradient = scope.create(dHead);
      double norm =
          Math.hypot(optimizer.gradientNorm(), ops.gradientNorm(scope, List.of(gradient)));
      optimizer.apply(learningRate, 0, norm, LONGEST_GRADIENT);
      ops.adamW(
          scope,
          List.of(model.head()),
          List.of(gradient),
          List.of(first),
          List.of(second),
          List.of(count),
          TorchOps.AdamWSettings.BITNET,
          learningRate,
          0,
          Math.min(1, LONGEST_GRADIENT / (norm + 1e-6)));
    }
    encoder.ternarize();
  }

  @Override
  public void close() {
    optimizer.close();
    manager.close();
  }
}
