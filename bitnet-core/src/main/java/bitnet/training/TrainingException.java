package bitnet.training;

/// A run cannot continue; its earlier checkpoints are good.
public final class TrainingException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /// A run that stopped for a reason.
  public TrainingException(String message) {
    super(message);
  }
}
