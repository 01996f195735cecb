package bitnet.reward;

import java.io.IOException;

/// Scores a completion. Implementations with a public constructor without parameters can be named
/// on the command line by their class.
///
/// A reward is used by one thread at a time.
public interface Reward extends AutoCloseable {

  /// Scores one completion.
  ///
  /// @param query what was asked
  /// @param reference the right answer, without the way to it
  /// @param completion what a model wrote, its reasoning included
  RewardScore score(String query, String reference, String completion);

  /// A short name of what the reward has learned, by which a resumed run sees whether it is still
  /// the same; empty if its name says all of it.
  ///
  /// @throws IOException if what it has learned cannot be read
  default String digest() throws IOException {
    return "";
  }

  /// Frees what the reward holds; most hold nothing.
  @Override
  default void close() {}
}
