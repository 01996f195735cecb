package bitnet.training;

/// Where a run stands, besides its weights and moments; written to checkpoints as JSON.
public interface RunState {

  /// Steps done.
  long step();

  /// What must be equal when the run is resumed: settings, joined by `, `.
  String fingerprint();
}
