package bitnet.eval;

import bitnet.reward.FinalAnswer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What most of several answers to a question say.
final class MajorityVote {
  private MajorityVote() {}

  /// Whether the answer that most attempts agree on is right. Answers agree if they are the
  /// same as [FinalAnswer] compares them; of equally frequent ones the earliest counts;
  /// attempts without an answer have no vote.
  static boolean isRight(List<ScoredCompletion> attempts) {
    List<ScoredCompletion> leaders = new ArrayList<>();
    List<Integer> votes = new ArrayList<>();
    for (ScoredCompletion attempt : attempts) {
      Optional<String> answer = FinalAnswer.of(attempt.text());
      if (answer.isEmpty()) {
        continue;
      }
      int group = 0;
      while (group < leaders.size()
          && !FinalAnswer.isRight(answer.get(), leaders.get(group).text())) {
        group++;
      }
      if (group == leaders.size()) {
        leaders.add(attempt);
        votes.add(0);
      }
      votes.set(group, votes.get(group) + 1);
    }
    int best = -1;
    for (int group = 0; group < leaders.size(); group++) {
      if (best < 0 || votes.get(group) > votes.get(best)) {
        best = group;
      }
    }
    return best >= 0 && leaders.get(best).right();
  }
}
