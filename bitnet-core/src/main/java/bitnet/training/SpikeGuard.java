package bitnet.training;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Checks a step by its loss and gradient norm before the weights are touched.
///
/// A step is skipped if either is NaN or infinite, or if its loss is a spike: above `mean + max(k *
/// std, |mean| / 10)` of the last accepted losses. Nothing counts as a spike before a window is
/// full. Too many skipped in a row stop the run.
///
/// @param window accepted losses that mean and standard deviation are taken of; at least 2
/// @param deviations k; infinity lets every finite loss pass
/// @param patience skipped steps in a row that stop the run; at least 1
public record SpikeGuard(int window, double deviations, int patience) {

  /// A hundred losses, ten standard deviations, ten skipped steps: in a healthy run no step is ever
  /// skipped.
  public static final SpikeGuard DEFAULT = new SpikeGuard(100, 10, 10);

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException naming the value, the rule and a remedy
  public SpikeGuard {
    if (window < 2) {
      throw new IllegalArgumentException(
          "spike window %d must be at least 2; use 100".formatted(window));
    }
    if (!(deviations > 0)) {
      throw new IllegalArgumentException(
          "spike deviations %s must be above 0; use 10".formatted(deviations));
    }
    if (patience < 1) {
      throw new IllegalArgumentException(
          "spike patience %d must be at least 1; use 10".formatted(patience));
    }
  }

  /// What to do with a step.
  public enum Action {
    /// Apply its gradients.
    ACCEPT,
    /// Drop its gradients and continue.
    SKIP,
    /// Drop its gradients and end the run; the last checkpoint is good.
    STOP
  }

  /// What the guard remembers between steps; belongs into the checkpoint.
  ///
  /// @param losses the last accepted losses, oldest first
  /// @param skippedInARow steps skipped since the last accepted one
  /// @param skipped steps skipped in the whole run
  public record State(List<Double> losses, int skippedInARow, long skipped) {

    /// Copies the list.
    public State {
      losses = List.copyOf(losses);
    }

    /// The state of a run that has not begun.
    public static State start() {
      return new State(List.of(), 0, 0);
    }

    /// The state after a step that held nothing to learn from.
    State afterEmptyStep() {
      return new State(losses, skippedInARow, skipped + 1);
    }
  }

  /// The result of a check.
  ///
  /// @param action what to do with the step
  /// @param reason why, for the user; empty if it is accepted
  /// @param next the state after the step
  public record Verdict(Action action, String reason, State next) {}

  /// Checks a step.
  ///
  /// @param state the state before it
  /// @param loss its loss
  /// @param gradNorm the norm of its gradients before clipping
  public Verdict check(State state, double loss, double gradNorm) {
    String reason = fault(state, loss, gradNorm);
    if (reason.isEmpty()) {
      List<Double> losses = new ArrayList<>(state.losses());
      losses.add(loss);
      List<Double> recent = losses.subList(Math.max(0, losses.size() - window), losses.size());
      return new Verdict(Action.ACCEPT, "", new State(recent, 0, state.skipped()));
    }
    int inARow = state.skippedInARow() + 1;
    State next = new State(state.losses(), inARow, state.skipped() + 1);
    return inARow < patience
        ? new Verdict(Action.SKIP, reason, next)
        : new Verdict(
            Action.STOP,
            "%s; %d steps in a row were skipped: resume with a lower `lr` or a longer `warmup`"
                .formatted(reason, inARow),
            next);
  }

  private String fault(State state, double loss, double gradNorm) {
    String broken = notFinite(loss, gradNorm);
    if (!broken.isEmpty()) {
      return broken;
    }
    double limit = limit(state);
    return loss > limit
        ? String.format(
            Locale.ROOT, "the loss %.4f is a spike (the last %d allow %.4f)", loss, window, limit)
        : "";
  }

  /// What is NaN or infinite in a step; empty where nothing is.
  static String notFinite(double loss, double gradNorm) {
    if (!Double.isFinite(loss)) {
      return "the loss is " + loss;
    }
    return Double.isFinite(gradNorm) ? "" : "the gradient norm is " + gradNorm;
  }

  private double limit(State state) {
    if (state.losses().size() < window) {
      return Double.POSITIVE_INFINITY;
    }
    double mean = state.losses().stream().mapToDouble(loss -> loss).sum() / window;
    double squares =
        state.losses().stream().mapToDouble(loss -> (loss - mean) * (loss - mean)).sum();
    // a loss that stands still has no deviation to speak of: hence the tenth
    return mean + Math.max(deviations * Math.sqrt(squares / window), Math.abs(mean) / 10);
  }
}
