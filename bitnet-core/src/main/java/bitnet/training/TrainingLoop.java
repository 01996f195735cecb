package bitnet.training;

import java.io.IOException;

/// The loop of every trainer: steps until the last one or a stop signal, with a checkpoint every so
/// often and at the end.
public final class TrainingLoop {
  private TrainingLoop() {}

  /// What is looped over.
  public interface Trainer {

    /// Steps done.
    long step();

    /// Steps of the whole run.
    long steps();

    /// Does a step.
    ///
    /// @throws TrainingException if the run diverges
    void advance() throws IOException;

    /// Writes a checkpoint.
    void save() throws IOException;

    /// The checkpoints that it writes.
    RunCheckpoints<?> checkpoints();
  }

  /// Trains.
  ///
  /// @param saveInterval steps between two checkpoints; 0: at the end only
  /// @return whether all steps are done
  /// @throws TrainingException if the run diverges; the last checkpoint is from before that
  public static boolean run(Trainer trainer, long saveInterval) throws IOException {
    try (StopSignal stop = StopSignal.install()) {
      while (trainer.step() < trainer.steps() && !stop.requested()) {
        trainer.advance();
        if (saveInterval > 0 && trainer.step() % saveInterval == 0) {
          trainer.save();
        }
      }
      if (!trainer.checkpoints().isSaved(trainer.step())) {
        trainer.save();
      }
    }
    return trainer.step() == trainer.steps();
  }
}
