package bitnet.spark;

import bitnet.checkpoint.ModelSource;
import bitnet.grpo.LocalRollouts;
import bitnet.grpo.PolicyWeights;
import bitnet.grpo.RewardStage;
import bitnet.grpo.RolloutRequest;
import bitnet.grpo.RolloutSampler;
import bitnet.grpo.ScoredRollouts;
import bitnet.model.ComputeSettings;
import bitnet.model.LlamaConfig;
import bitnet.reward.WeightedReward;
import bitnet.runtime.RuntimeSettings;
import bitnet.tokenizer.Tokenizer;
import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/// The policy and the rewards that an executor's JVM has opened, for all of its tasks.
///
/// Static, as nothing else lives as long as an executor. One thread opens and uses them, as a
/// reward model wants it, so that tasks compute in turn, each with all threads of the model.
final class ExecutorRollouts {
  private static final ExecutorService THREAD =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("rollouts").factory());

  private static @Nullable Opened current; // of that thread

  private ExecutorRollouts() {}

  /// What is open.
  private static final class Opened implements AutoCloseable {
    private final RolloutSetup setup;
    private final LlamaConfig config;
    private final Tokenizer tokenizer;
    private final WeightedReward rewards;
    private @Nullable RolloutSampler sampler;
    private long version;

    Opened(RolloutSetup setup, LlamaConfig config, Tokenizer tokenizer, WeightedReward rewards) {
      this.setup = setup;
      this.config = config;
      this.tokenizer = tokenizer;
      this.rewards = rewards;
    }

    /// The policy of a task, packed if this is another version.
    private RolloutSampler sampler(RolloutTask task) throws IOException {
      RolloutSampler found = sampler;
      if (found != null && version == task.policy().version()) {
        return found;
      }
      PolicyWeights policy =
          PolicyImage.policy(
              config,
              Optional.ofNullable(setup.lora()),
              task.policy().whole().value(),
              task.policy().changes().value());
      if (found == null) {
        RuntimeSettings runtime =
            new RuntimeSettings(
                setup.threads(),
                setup.kernel(),
                RuntimeSettings.exact().head(),
                RuntimeSettings.exact().cache());
        found = new RolloutSampler(policy, tokenizer, setup.endTokens(), runtime);
        sampler = found;
      } else {
        version = -1; // until all of it is there
        found.repack(policy);
      }
      version = task.policy().version();
      return found;
    }

    RolloutTask.Result draw(RolloutTask task) throws IOException {
      LocalRollouts source = new LocalRollouts(sampler(task), new RewardStage(rewards, tokenizer));
      ScoredRollouts drawn =
          source.draw(JsonBytes.read(task.request(), new TypeReference<RolloutRequest>() {}));
      return new RolloutTask.Result(
          JsonBytes.of(drawn.rollouts()),
          ExecutorModels.executor(),
          drawn.samplingSeconds(),
          drawn.scoringSeconds());
    }

    @Override
    public void close() {
      if (sampler != null) {
        sampler.close();
      }
      rewards.close();
      tokenizer.close();
    }
  }

  /// Does a task.
  ///
  /// @throws TaskRefusal if the model's tokenizer or a reward cannot be opened here, or is another
  ///     one than the driver's
  static RolloutTask.Result draw(RolloutTask task) throws IOException {
    return onThread(() -> opened(task.setup()).draw(task));
  }

  private static Opened opened(byte[] setup) throws IOException {
    RolloutSetup wanted = JsonBytes.read(setup, new TypeReference<RolloutSetup>() {});
    Opened found = current;
    if (found == null || !found.setup.id().equals(wanted.id())) {
      closeCurrent();
      found = open(wanted);
      current = found;
    }
    return found;
  }

  private static Opened open(RolloutSetup setup) throws TaskRefusal {
    try (ModelSource source = ModelSource.open(Path.of(setup.model()))) {
      LlamaConfig config = source.weights().config();
      if (!config.toString().equals(setup.config())) {
        throw new TaskRefusal(
            "%s: the model at %s is another one than the driver's; copy it again, or use storage that all machines share"
                .formatted(ExecutorModels.executor(), setup.model()));
      }
      Tokenizer tokenizer = source.tokenizer();
      try {
        return new Opened(setup, config, tokenizer, rewards(setup));
      } catch (IOException | RuntimeException failure) {
        tokenizer.close();
        throw failure;
      }
    } catch (TaskRefusal refusal) {
      throw refusal;
    } catch (IOException | IllegalArgumentException | LinkageError failure) {
      throw new TaskRefusal(
          "%s: %s; executors need the files and classes of the driver"
              .formatted(ExecutorModels.executor(), Failures.reason(failure)));
    }
  }

  private static WeightedReward rewards(RolloutSetup setup) throws IOException {
    WeightedReward rewards = setup.rewards().open(new ComputeSettings("cpu", setup.threads()));
    if (!RolloutSetup.digests(rewards).equals(setup.rewardDigests())) {
      rewards.close();
      throw new TaskRefusal(
          "%s: the reward models %s are others than the driver's; copy them again, or use storage that all machines share"
              .formatted(ExecutorModels.executor(), setup.rewards().rewards()));
    }
    return rewards;
  }

  /// Closes what is open.
  static void clear() throws IOException {
    onThread(
        () -> {
          closeCurrent();
          return true;
        });
  }

  private static void closeCurrent() {
    Opened before = current;
    current = null;
    if (before != null) {
      before.close();
    }
  }

  private static <R> R onThread(Callable<R> work) throws IOException {
    try {
      return THREAD.submit(work).get();
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while completions were drawn", interruption);
    } catch (ExecutionException failure) {
      throw switch (failure.getCause()) {
        case TaskRefusal refusal -> refusal;
        case IOException io -> io;
        case null, default -> new IOException(String.valueOf(failure.getCause()), failure);
      };
    }
  }
}
