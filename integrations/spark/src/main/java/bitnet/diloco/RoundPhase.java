package bitnet.diloco;

import java.util.List;
import java.util.ServiceLoader;

/// The phases of a round, in their order: those of a worker, then those of the driver.
public enum RoundPhase {
  /// A worker has read weights and state.
  READ,
  /// A worker has done a step.
  TRAINING,
  /// A worker has written its rounded change.
  CHANGE_WRITTEN,
  /// A worker has written its state, which is the end of its part.
  STATE_WRITTEN,
  /// The driver has the results of all workers, and the joined weights.
  JOINED,
  /// The driver has committed the round.
  COMMITTED;

  /// Hears of phases, found by `ServiceLoader`: tests end processes in them.
  public interface Witness {
    /// A phase was reached.
    ///
    /// @param shard the worker; [#DRIVER]: the driver
    void reached(RoundPhase phase, RoundPlan plan, int shard);
  }

  /// In the place of a worker's number.
  static final int DRIVER = -1;

  private static final List<Witness> WITNESSES =
      ServiceLoader.load(Witness.class, Witness.class.getClassLoader()).stream()
          .map(ServiceLoader.Provider::get)
          .toList();

  void reached(RoundPlan plan, int shard) {
    WITNESSES.forEach(witness -> witness.reached(this, plan, shard));
  }
}
