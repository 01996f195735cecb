package bitnet.training;

import bitnet.metrics.TrainingReport;
import java.io.IOException;
import java.nio.file.Path;

/// Hears what a run does.
public interface TrainingListener {

  /// What was measured before the first step of this process.
  void started(TrainingReport report) throws IOException;

  /// A step was done.
  void stepped(TrainingReport report) throws IOException;

  /// A step's gradients were dropped.
  void skipped(long step, String reason) throws IOException;

  /// A checkpoint was written.
  void saved(Path checkpoint) throws IOException;
}
