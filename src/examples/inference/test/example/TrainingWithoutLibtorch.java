package example;

import bitnet.checkpoint.ModelSource;
import bitnet.data.BadRecordPolicy;
import bitnet.data.LossMask;
import bitnet.data.TextFormat;
import bitnet.data.WindowSampling;
import bitnet.graph.ComputeType;
import bitnet.graph.DeviceSelector;
import bitnet.graph.GraphLanguageModel;
import bitnet.metrics.TrainingReport;
import bitnet.model.ComputeSettings;
import bitnet.training.CrossEntropyRun;
import bitnet.training.RunDirectory;
import bitnet.training.TrainingListener;
import bitnet.training.TrainingSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Asks for the training graph and for a training run, and prints how each is refused.
final class TrainingWithoutLibtorch {
  private TrainingWithoutLibtorch() {}

  public static void main(String[] args) throws IOException {
    Path path = Path.of(args[0]);
    try (ModelSource source = ModelSource.open(path)) {
      GraphLanguageModel.load(source.weights(), new ComputeSettings("cpu", 1)).close();
    } catch (IllegalStateException refusal) {
      System.out.println(refusal.getMessage());
    }
    try {
      run(path).run(new Silence(), line -> {});
    } catch (IllegalStateException refusal) {
      System.out.println(refusal.getMessage());
    }
  }

  private static CrossEntropyRun run(Path model) throws IOException {
    Path text = Files.writeString(model.resolveSibling("text.txt"), "To be or not. ".repeat(90));
    return new CrossEntropyRun(
        model,
        new CrossEntropyRun.Text(
            text, TextFormat.DOCUMENT, BadRecordPolicy.STOP, LossMask.NONE, null, 0),
        new RunDirectory(model.resolveSibling("run")),
        null,
        new DeviceSelector().select("cpu"),
        1,
        ComputeType.FP32,
        TrainingSettings.defaults(1)
            .withBatches(new TrainingSettings.Batches(1, 8, 1, WindowSampling.RANDOM, 0)));
  }

  /// Prints nothing.
  private record Silence() implements TrainingListener {
    @Override
    public void started(TrainingReport report) {}

    @Override
    public void stepped(TrainingReport report) {}

    @Override
    public void skipped(long step, String reason) {}

    @Override
    public void saved(Path checkpoint) {}
  }
}
