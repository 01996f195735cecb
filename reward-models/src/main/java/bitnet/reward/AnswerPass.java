package bitnet.reward;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import bitnet.graph.ForwardPass;
import bitnet.graph.LlamaModel;
import java.util.Arrays;
import java.util.List;

/// Several answers on their way through decoder and head.
///
/// Shorter ones are filled up at the end: a decoder looks back only, so what follows an answer
/// changes nothing in it.
final class AnswerPass implements AutoCloseable {
  private final NDManager scope;
  private final ForwardPass pass;
  private final List<AnswerTokens> answers;
  private final float[] head; // [hidden + 1]
  private final float[] hidden; // [answers, seq, hidden]
  private final int seq;
  private final int width;

  AnswerPass(LlamaModel encoder, float[] head, List<AnswerTokens> answers, ForwardPass.Keep keep) {
    this.answers = answers;
    this.head = head;
    this.width = encoder.config().hiddenSize();
    this.seq = answers.stream().mapToInt(answer -> answer.ids().length).max().orElse(0);
    long[] ids = new long[answers.size() * seq];
    for (int row = 0; row < answers.size(); row++) {
      int[] tokens = answers.get(row).ids();
      for (int i = 0; i < tokens.length; i++) {
        ids[row * seq + i] = tokens[i];
      }
    }
    scope = encoder.manager().newSubManager();
    pass = encoder.forward(scope.create(ids, new Shape(answers.size(), seq)), keep);
    hidden = pass.hidden().toFloatArray();
  }

  /// The logits of the tokens of an answer that the head looks at, in their order.
  double[] logits(int row) {
    AnswerTokens answer = answers.get(row);
    double[] logits = new double[answer.scoredCount()];
    for (int i = 0; i < logits.length; i++) {
      int at = (row * seq + answer.firstScored() + i) * width;
      double sum = head[width];
      for (int j = 0; j < width; j++) {
        sum += (double) hidden[at + j] * head[j];
      }
      logits[i] = sum;
    }
    return logits;
  }

  /// The logit of an answer: the mean of its tokens'.
  double logit(int row) {
    return Arrays.stream(logits(row)).average().orElse(0);
  }

  /// Adds the gradients of the decoder's parameters.
  ///
  /// @param slopes the derivative of the loss by the logit of each answer
  /// @return the gradient of the head, `[hidden + 1]`
  float[] backward(double[] slopes) {
    float[] dHead = new float[width + 1];
    float[] dHidden = new float[hidden.length];
    for (int row = 0; row < slopes.length; row++) {
      AnswerTokens answer = answers.get(row);
      float share = (float) (slopes[row] / answer.scoredCount());
      for (int i = answer.firstScored(); i < answer.ids().length; i++) {
        int at = (row * seq + i) * width;
        for (int j = 0; j < width; j++) {
          dHidden[at + j] = share * head[j];
          dHead[j] += share * hidden[at + j];
        }
        dHead[width] += share;
      }
    }
    NDArray upstream = scope.create(dHidden, new Shape(hidden.length / width, width));
    pass.backward(upstream);
    return dHead;
  }

  @Override
  public void close() {
    pass.close();
    scope.close();
  }
}
