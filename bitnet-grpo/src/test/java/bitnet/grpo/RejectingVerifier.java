package bitnet.grpo;

/// Accepts no correction.
public final class RejectingVerifier implements Verifier {
  @Override
  public boolean accepts(Correction correction) {
    return false;
  }
}
