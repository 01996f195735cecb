package bitnet.data;

import bitnet.setting.SettingChecks;

/// Windows of a stream that lie side by side. A window has one token more than a sequence: the
/// target of its last.
final class TokenWindows {
  private TokenWindows() {}

  static long count(TokenStream tokens, int seq) {
    return Math.max(0, (tokens.size() - 1) / seq);
  }

  /// Checks that there is at least one.
  ///
  /// @throws IllegalArgumentException with the numbers and what to change
  static void check(String what, TokenStream tokens, int batch, int seq) {
    checkSizes(batch, seq);
    if (tokens.size() <= seq) {
      throw new IllegalArgumentException(
          "the %s has %d tokens, but seq_len %d needs at least %d; give a longer text%s"
              .formatted(
                  what,
                  tokens.size(),
                  seq,
                  seq + 1L,
                  tokens.size() > 1 ? " or seq_len " + (tokens.size() - 1) : ""));
    }
  }

  /// Checks the size of a batch.
  ///
  /// @throws IllegalArgumentException with the numbers and what to change
  static void checkSizes(int batch, int seq) {
    SettingChecks.atLeast("batch_size", batch, 1);
    SettingChecks.atLeast("seq_len", seq, 1);
    if ((long) batch * seq > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "batch_size %d * seq_len %d is more than 2^31 tokens; use a batch_size of at most %d"
              .formatted(batch, seq, Integer.MAX_VALUE / seq));
    }
  }
}
