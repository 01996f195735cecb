package bitnet.reward;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/// A reward without information: 1 or 0, decided by a hash of query and completion. What a policy
/// gains or loses by it is the effect of training, not of the reward: the control of an experiment
/// (arXiv 2506.10947).
///
/// @param probability of 1
public record RandomReward(double probability) implements Reward {

  /// Checks the probability.
  ///
  /// @throws IllegalArgumentException if it is not from 0 to 1
  public RandomReward {
    if (!(probability >= 0 && probability <= 1)) {
      throw new IllegalArgumentException(
          "random(%s) is not a probability from 0 to 1; use random(0.5)".formatted(probability));
    }
  }

  @Override
  public RewardScore score(String query, String reference, String completion) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(query.getBytes(StandardCharsets.UTF_8));
      digest.update((byte) 0);
      byte[] hash = digest.digest(completion.getBytes(StandardCharsets.UTF_8));
      double drawn = (ByteBuffer.wrap(hash).getLong() >>> 11) * 0x1p-53; // from 0 to below 1
      return RewardScore.of(drawn < probability ? 1 : 0);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java platform has SHA-256", impossible);
    }
  }
}
