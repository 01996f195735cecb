package bitnet.grpo;

import bitnet.generation.Completion;
import bitnet.generation.FinishReason;
import bitnet.training.PromptedText;

/// An answer that a policy drew.
///
/// @param tokens of prompt and answer
/// @param oldLogProbabilities of the answer's tokens, by the policy that drew it
/// @param text the answer
/// @param truncated whether it was cut off
record Sample(PromptedText tokens, double[] oldLogProbabilities, String text, boolean truncated) {

  static Sample of(int[] prompt, Completion completion) {
    FinishReason finish = completion.finish();
    return new Sample(
        new PromptedText(prompt, completion.tokens()),
        completion.modelLogProbabilities(),
        completion.text(),
        finish == FinishReason.LENGTH || finish == FinishReason.CONTEXT);
  }

  int length() {
    return oldLogProbabilities.length;
  }
}
