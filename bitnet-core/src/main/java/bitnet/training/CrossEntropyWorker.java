package bitnet.training;

import ai.djl.ndarray.NDManager;
import bitnet.checkpoint.AdapterDirectory;
import bitnet.checkpoint.ModelDirectory;
import bitnet.checkpoint.ModelSource;
import bitnet.checkpoint.TrainingCheckpoint;
import bitnet.data.TextDataset;
import bitnet.data.TokenStream;
import bitnet.graph.LlamaModel;
import bitnet.graph.TensorMemory;
import bitnet.graph.TorchOps;
import bitnet.model.AdapterWeights;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The open model and texts of a [CrossEntropyRun], from which trainers are made: one for a run in
/// one process, one a round where several processes train a part of the text each.
///
/// One thread uses it at a time; it is the one that calls.
public final class CrossEntropyWorker implements AutoCloseable {
  private final CrossEntropyRun run;
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private final Tokenizer tokenizer;
  private final TokenStream training;
  private final @Nullable TokenStream heldOut;
  private final LlamaModel model;
  private final OptionalDouble peakFlops;

  private CrossEntropyWorker(CrossEntropyRun run, Consumer<String> say) throws IOException {
    this.run = run;
    try {
      ModelSource source = keep(ModelSource.open(run.modelPath()));
      run.checkLengths(source.weights().config());
      if (run.settings().lora().isPresent()) {
        AdapterBase.require(source, run.settings().lora().get(), run.device());
      }
      run.announce(source.weights().config(), say);
      this.tokenizer = keep(source.tokenizer());
      CrossEntropyRun.Text text = run.text();
      TextDataset dataset =
          keep(run.open(text.dataset(), CrossEntropyRun.encoding(source, tokenizer)));
      TextDataset evaluation =
          text.evalDataset() == null
              ? null
              : keep(run.open(text.evalDataset(), CrossEntropyRun.encoding(source, tokenizer)));
      int seqLen = run.settings().batches().seqLen();
      say.accept("data: " + dataset.report().summary());
      say.accept("lengths: " + dataset.report().lengths().summary(seqLen));
      if (evaluation != null) {
        say.accept("held out: " + evaluation.report().summary());
      }
      TextDataset.Split split = dataset.split(evaluation == null ? text.evalFraction() : 0);
      TokenStream rest = evaluation == null ? split.heldOut() : evaluation.tokens();
      boolean evaluated = evaluation != null || run.hasWindow(rest);
      if (!evaluated && text.evalFraction() > 0) {
        say.accept(
            "held out: %d tokens, too few for a sequence of %d, so there is no held-out loss"
                .formatted(rest.size(), seqLen));
      }
      run.announcePacking(split.training(), say);
      this.training = split.training();
      this.heldOut = evaluated ? rest : null;
      TorchOps.prepareThread(run.threads());
      NDManager manager = keep(NDManager.newBaseManager(run.device().device(), "PyTorch"));
      this.model = keep(model(source, manager));
      this.peakFlops =
          OptionalDouble.of(TrainingBenchmark.matmulFlops(manager, model.ops(), run.type()));
    } catch (IOException | RuntimeException failure) {
      close();
      throw failure;
    }
  }

  private LlamaModel model(ModelSource source, NDManager manager) throws IOException {
    TrainingSettings settings = run.settings();
    return settings.lora().isEmpty()
        ? LlamaModel.load(source.weights(), manager, run.type())
        : AdapterBase.load(
            source,
            settings.lora().get(),
            settings.batches().seed(),
            run.threads(),
            manager,
            run.type());
  }

  private <C extends AutoCloseable> C keep(C resource) {
    opened.push(resource);
    return resource;
  }

  /// Reads the model and the texts.
  ///
  /// @param say receives lines for the user: plan, data
  /// @throws IllegalArgumentException if the run cannot start as asked, saying what to change
  public static CrossEntropyWorker open(CrossEntropyRun run, Consumer<String> say)
      throws IOException {
    return new CrossEntropyWorker(run, say);
  }

  /// A trainer on the whole text, with the settings of the run. It trains the one model of this
  /// worker: close it before the next one is made.
  ///
  /// @param checkpoints the directory for its checkpoints
  public CrossEntropyTrainer trainer(Path checkpoints) {
    return trainer(run.settings(), training, checkpoints);
  }

  /// A trainer on a part of the text, with two checkpoints kept, which are made on request only.
  ///
  /// @param shard the part, from 0 to below `shards`
  /// @param checkpoints the directory for its checkpoints
  /// @throws IllegalArgumentException if the part is shorter than a sequence
  public CrossEntropyTrainer trainer(int shard, int shards, Path checkpoints) {
    TrainingSettings settings =
        run.settings()
            .withEvaluation(
                new TrainingSettings.Evaluation(0, run.settings().evaluation().tokens()))
            .withCheckpoints(new CheckpointSettings(0, 2));
    return trainer(settings, training.shard(shard, shards), checkpoints);
  }

  private CrossEntropyTrainer trainer(
      TrainingSettings settings, TokenStream text, Path checkpoints) {
    TorchOps.prepareThread(run.threads());
    return new CrossEntropyTrainer(model, settings, text, heldOut, checkpoints, peakFlops);
  }

  /// The weights of the model by their names in a checkpoint: its own memory.
  public Map<String, MemorySegment> weights() {
    Map<String, MemorySegment> weights = new LinkedHashMap<>();
    model
        .parameters()
        .forEach(
            each ->
                weights.put(RunCheckpoints.LATENT + each.name(), TensorMemory.of(each.value())));
    return weights;
  }

  /// The weights of the model as a checkpoint of step 0.
  ///
  /// @param state everything else
  public Path writeStart(Path checkpoints, ObjectNode state) throws IOException {
    return TrainingCheckpoint.write(checkpoints, 0, weights(), state, 1);
  }

  /// Writes the model as it is, or its adapter where only that is trained.
  ///
  /// @return what was written
  public Path write(RunDirectory directory) throws IOException {
    Optional<AdapterWeights> adapter = model.adapter();
    if (adapter.isPresent()) {
      Path target = directory.adapter();
      AdapterDirectory.write(target, adapter.get(), model.config(), run.modelPath().toString());
      return target;
    }
    Path target = directory.model();
    ModelDirectory.write(target, model, tokenizer, true, ModelDirectory.Existing.REPLACE);
    return target;
  }

  @Override
  public void close() throws IOException {
    IOException failed = null;
    for (AutoCloseable resource : opened) { // the last one first
      try {
        resource.close();
      } catch (IOException failure) {
        failed = failure;
      } catch (Exception failure) {
        throw new IllegalStateException(failure);
      }
    }
    opened.clear();
    if (failed != null) {
      throw failed;
    }
  }
}
