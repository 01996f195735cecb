package bitnet.reward;

import ai.djl.ndarray.NDManager;
import bitnet.data.PreferenceRecord;
import bitnet.graph.ForwardPass;
import bitnet.graph.Parameter;
import bitnet.training.Objective;
import java.util.ArrayList;
import java.util.List;

/// The preference loss of a [TransformerRewardModel] with its gradients, see [PreferenceLoss]. An
/// item is a record: a pair, or a labelled answer.
final class PreferenceObjective implements Objective<List<PreferenceRecord>> {
  private final TransformerRewardModel model;

  PreferenceObjective(TransformerRewardModel model) {
    this.model = model;
  }

  @Override
  public List<Parameter> parameters() {
    List<Parameter> parameters = new ArrayList<>(model.encoder().parameters());
    parameters.add(model.headParameter());
    return List.copyOf(parameters);
  }

  @Override
  public double accumulate(List<PreferenceRecord> batch, double weight, ForwardPass.Keep keep) {
    List<AnswerTokens> answers = answers(batch);
    double[] slopes = new double[answers.size()];
    try (AnswerPass pass = model.forward(answers, keep)) {
      double loss = loss(batch, pass, slopes);
      for (int i = 0; i < slopes.length; i++) {
        slopes[i] *= weight / batch.size();
      }
      float[] dHead = pass.backward(slopes);
      Parameter head = model.headParameter();
      try (NDManager scope = head.gradient().getManager().newSubManager()) {
        head.gradient().addi(scope.create(dHead));
      }
      return loss / batch.size();
    }
  }

  @Override
  public double sum(List<PreferenceRecord> batch) {
    List<AnswerTokens> answers = answers(batch);
    try (AnswerPass pass = model.forward(answers, ForwardPass.Keep.NOTHING)) {
      return loss(batch, pass, new double[answers.size()]);
    }
  }

  @Override
  public long items(List<PreferenceRecord> batch) {
    return batch.size();
  }

  @Override
  public long tokens(List<PreferenceRecord> batch) {
    return answers(batch).stream().mapToLong(answer -> answer.ids().length).sum();
  }

  @Override
  public String unit() {
    return "nats/record";
  }

  /// The answers of records: two of a pair, one of a label.
  private List<AnswerTokens> answers(List<PreferenceRecord> batch) {
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
    return answers;
  }

  /// The summed loss of records.
  ///
  /// @param slopes receives its derivative by the logit of each answer
  private static double loss(List<PreferenceRecord> batch, AnswerPass pass, double[] slopes) {
    double loss = 0;
    int answer = 0;
    for (PreferenceRecord record : batch) {
      switch (record) {
        case PreferenceRecord.Pair pair -> {
          double chosen = pass.logit(answer);
          double rejected = pass.logit(answer + 1);
          loss += PreferenceLoss.ofPair(chosen, rejected);
          slopes[answer] = PreferenceLoss.pairSlope(chosen, rejected);
          slopes[answer + 1] = -slopes[answer];
          answer += 2;
        }
        case PreferenceRecord.Label label -> {
          double logit = pass.logit(answer);
          loss += PreferenceLoss.ofLabel(logit, label.label());
          slopes[answer++] = PreferenceLoss.labelSlope(logit, label.label());
        }
      }
    }
    return loss;
  }
}
