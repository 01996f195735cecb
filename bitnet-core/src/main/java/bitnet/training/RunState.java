package bitnet.training;

import java.util.Map;

/// Where a run stands, besides its weights and moments; written to checkpoints as JSON.
public interface RunState {

  /// Steps done.
  long step();

  /// The options that must be equal when the run is resumed, by name.
  Map<String, String> options();
}
