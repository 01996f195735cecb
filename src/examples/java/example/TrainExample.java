package example;

import bitnet.data.BadRecordPolicy;
import bitnet.data.LossMask;
import bitnet.data.TextFormat;
import bitnet.data.WindowSampling;
import bitnet.graph.ComputeType;
import bitnet.graph.DeviceSelector;
import bitnet.metrics.TrainingReport;
import bitnet.storage.WriteLock;
import bitnet.training.CheckpointSettings;
import bitnet.training.CrossEntropyRun;
import bitnet.training.RunDirectory;
import bitnet.training.TrainingListener;
import bitnet.training.TrainingSettings;
import java.io.IOException;
import java.nio.file.Path;

/// Trains a model on a text: `TrainExample MODEL TEXT RUN STEPS`. The directory RUN receives
/// `checkpoints/` and, at the end, `model/`; calling it again with more steps is refused, calling
/// it again after an interruption continues the run.
public final class TrainExample {
  private TrainExample() {}

  public static void main(String[] args) throws IOException {
    RunDirectory run = new RunDirectory(Path.of(args[2]));
    CrossEntropyRun training =
        new CrossEntropyRun(
            Path.of(args[0]),
            new CrossEntropyRun.Text(
                Path.of(args[1]),
                TextFormat.DOCUMENT,
                BadRecordPolicy.STOP,
                LossMask.NONE,
                null, // no file of held-out text: the last twentieth of the text is held out
                0.05),
            run,
            RunDirectory.AUTO, // continue from the newest checkpoint if there is one
            new DeviceSelector().select("cpu"),
            Runtime.getRuntime().availableProcessors(),
            ComputeType.FP32,
            settings(Long.parseLong(args[3])));

    try (WriteLock _ = run.lock()) { // one process at a time writes to the directory
      boolean done = training.run(new Printer(), System.out::println);
      System.out.println(done ? "done" : "interrupted: call again to continue");
    }
  }

  /// The defaults, with small batches and a higher learning rate for a small model.
  private static TrainingSettings settings(long steps) {
    TrainingSettings defaults = TrainingSettings.defaults(steps);
    return defaults
        .withBatches(new TrainingSettings.Batches(8, 32, 1, WindowSampling.RANDOM, 0))
        .withOptimizer(defaults.optimizer().withLearningRate(4e-3))
        .withEvaluation(new TrainingSettings.Evaluation(100, 4096))
        .withCheckpoints(new CheckpointSettings(100, 2));
  }

  /// Prints every tenth step.
  private record Printer() implements TrainingListener {
    @Override
    public void started(TrainingReport report) {
      System.out.println(report.line());
    }

    @Override
    public void stepped(TrainingReport report) {
      if (report.step() % 10 == 0 || report.isNotable()) {
        System.out.println(report.line());
      }
    }

    @Override
    public void skipped(long step, String reason) {
      System.out.println("step " + step + " skipped: " + reason);
    }

    @Override
    public void saved(Path checkpoint) {
      System.out.println("saved " + checkpoint);
    }
  }
}
