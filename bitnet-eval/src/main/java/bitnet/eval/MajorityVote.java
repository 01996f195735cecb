package bitnet.eval;

import bitnet.reward.FinalAnswer;
import java.util.ArrayList;
import java.util.List;

/// What most of several answers to a question say.
final class MajorityVote {
  private MajorityVote() {}

  /// Whether the answer that most attempts agree with is right. Answers agree if they are the same
  /// as [FinalAnswer] compares them; an answer's votes are the attempts that agree with it, itself
  /// included, so that their order decides nothing but ties: of equally frequent answers the
  /// earliest counts. Attempts without an answer have no vote.
  static boolean isRight(List<ScoredCompletion> attempts) {
    List<ScoredCompletion> voters = new ArrayList<>();
    List<String> answers = new ArrayList<>();
    for (ScoredCompletion attempt : attempts) {
      FinalAnswer.of(attempt.text())
          .ifPresent(
              answer -> {
                voters.add(attempt);
                answers.add(answer);
              });
    }
    int best = -1;
    long most = 0;
    for (int i = 0; i < answers.size(); i++) {
      String answer = answers.get(i);
      long votes = answers.stream().filter(other -> FinalAnswer.isSame(answer, other)).count();
      if (votes > most) {
        best = i;
        most = votes;
      }
    }
    return best >= 0 && voters.get(best).right();
  }
}
