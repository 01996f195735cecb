package bitnet.reward;

import bitnet.data.QaTemplate;

/// The answer of a completion: the text after its last `</think>`, all of it where it has no
/// reasoning. A reasoning that was begun and not ended has no answer yet: the text is empty.
final class AnswerText {
  private AnswerText() {}

  static String of(String completion) {
    int end = completion.lastIndexOf(QaTemplate.END_THINK);
    String answer =
        end < 0 ? completion : completion.substring(end + QaTemplate.END_THINK.length());
    return answer.contains(QaTemplate.THINK) ? "" : answer;
  }
}
