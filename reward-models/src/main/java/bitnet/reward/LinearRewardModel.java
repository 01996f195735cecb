package bitnet.reward;

import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.TensorDirectory;
import bitnet.data.PreferenceRecord;
import bitnet.storage.ContentDigest;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;

/// Logistic regression on the words of question and answer: small, quick, and enough to tell
/// answers by their wording. It knows no order of words beyond neighbours.
public final class LinearRewardModel implements RewardModel {
  static final TensorDirectory FILES = new TensorDirectory("reward.safetensors", "reward.json");

  private static final String WEIGHTS = "weights";
  private static final String TYPE = "linear";

  private final float[] weights;

  private LinearRewardModel(float[] weights) {
    this.weights = weights;
  }

  /// Trains a model by stochastic gradient descent, one record at a time. The result is a function
  /// of records and settings.
  ///
  /// @param records at least one
  /// @param listener hears of every epoch
  public static LinearRewardModel train(
      List<PreferenceRecord> records,
      RewardTraining settings,
      Consumer<RewardTraining.Epoch> listener) {
    if (records.isEmpty()) {
      throw new IllegalArgumentException("no training records; give at least one");
    }
    float[] weights = new float[AnswerFeatures.COUNT];
    List<Example> order = new ArrayList<>(records.stream().map(Example::of).toList());
    Random random = new Random(settings.seed());
    for (int epoch = 1; epoch <= settings.epochs(); epoch++) {
      Collections.shuffle(order, random);
      double loss = 0;
      for (Example example : order) {
        loss += example.learn(weights, settings.learningRate());
      }
      listener.accept(new RewardTraining.Epoch(epoch, loss / order.size()));
    }
    return new LinearRewardModel(weights);
  }

  /// A record as features.
  private sealed interface Example {

    static Example of(PreferenceRecord record) {
      return switch (record) {
        case PreferenceRecord.Pair pair ->
            new PairExample(
                AnswerFeatures.of(pair.query(), pair.chosen()),
                AnswerFeatures.of(pair.query(), pair.rejected()));
        case PreferenceRecord.Label label ->
            new LabelExample(AnswerFeatures.of(label.query(), label.answer()), label.label());
      };
    }

    /// Changes the weights; returns the loss before that.
    double learn(float[] weights, double learningRate);
  }

  private record PairExample(AnswerFeatures chosen, AnswerFeatures rejected) implements Example {
    @Override
    public double learn(float[] weights, double learningRate) {
      double better = chosen.dot(weights);
      double worse = rejected.dot(weights);
      double step = -learningRate * PreferenceLoss.pairSlope(better, worse);
      chosen.addTo(weights, step);
      rejected.addTo(weights, -step);
      return PreferenceLoss.ofPair(better, worse);
    }
  }

  private record LabelExample(AnswerFeatures answer, double label) implements Example {
    @Override
    public double learn(float[] weights, double learningRate) {
      double logit = answer.dot(weights);
      answer.addTo(weights, -learningRate * PreferenceLoss.labelSlope(logit, label));
      return PreferenceLoss.ofLabel(logit, label);
    }
  }

  @Override
  public double logit(String query, String completion) {
    return AnswerFeatures.of(query, completion).dot(weights);
  }

  /// The probability that the completion is good, from 0 to 1.
  @Override
  public RewardScore score(String query, String reference, String completion) {
    return RewardScore.of(PreferenceLoss.sigmoid(logit(query, completion)));
  }

  @Override
  public String digest() {
    ByteBuffer bytes = ByteBuffer.allocate(weights.length * Float.BYTES);
    bytes.asFloatBuffer().put(weights);
    return ContentDigest.of(bytes.array());
  }

  @Override
  public void save(Path directory, ModelDirectory.Existing existing) throws IOException {
    ObjectNode description = new ObjectMapper().createObjectNode().put("model_type", TYPE);
    FILES.write(directory, Map.of(WEIGHTS, MemorySegment.ofArray(weights)), description, existing);
  }

  static LinearRewardModel load(Path directory) throws IOException {
    try (TensorDirectory.Content content = FILES.open(directory)) {
      String type = content.description().path("model_type").asText();
      if (!type.equals(TYPE)) {
        throw new IOException(
            "%s: model_type is \"%s\"; this program reads \"%s\" there"
                .formatted(directory.resolve(FILES.description()), type, TYPE));
      }
      float[] weights = new float[AnswerFeatures.COUNT];
      content.read(WEIGHTS, MemorySegment.ofArray(weights));
      return new LinearRewardModel(weights);
    }
  }
}
