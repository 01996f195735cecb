package bitnet.diloco;

import bitnet.checkpoint.TrainingCheckpoint;
import java.io.Serializable;
import java.nio.file.Path;

/// What a round is. With the files that it names it decides every bit of the results.
///
/// @param directory of the run, which all workers see
/// @param workers how many
/// @param step optimizer steps that every worker has done before
/// @param steps to do
/// @param deltaType how the changes are handed on
public record RoundPlan(String directory, int workers, long step, long steps, DeltaType deltaType)
    implements Serializable {

  /// Steps done after this round.
  public long end() {
    return step + steps;
  }

  static Path checkpoints(String directory) {
    return Path.of(directory, "checkpoints");
  }

  /// The weights that the round starts from.
  Path weights() {
    return checkpoints(directory).resolve(TrainingCheckpoint.name(step));
  }

  /// The weights after the outer step.
  Path nextWeights() {
    return checkpoints(directory).resolve(TrainingCheckpoint.name(end()));
  }

  /// Where a worker keeps its moments and its place in the text.
  Path states(int shard) {
    return Path.of(directory, "workers", "shard-%03d".formatted(shard));
  }

  /// A worker's state before the round; there is none before the first one.
  Path state(int shard) {
    return states(shard).resolve(TrainingCheckpoint.name(step));
  }

  /// A worker's state after the round.
  Path nextState(int shard) {
    return states(shard).resolve(TrainingCheckpoint.name(end()));
  }

  /// The rounded change of a worker after the round.
  Path delta(int shard) {
    return delta(shard, end());
  }

  /// The rounded change of a worker after some steps.
  Path delta(int shard, long at) {
    return states(shard).resolve("delta-%08d.safetensors".formatted(at));
  }
}
