package bitnet.energy;

import bitnet.model.LanguageModel;
import bitnet.model.LlamaConfig;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/// Lets a policy decide before each token whether to compute it now, or first to idle, to harvest
/// or to cool.
public final class InferenceScheduler {
  private static final int MOST_PAUSES = 1000;
  private static final double NANOS = 1e9;

  private final Policy policy;
  private final EnergySource source;
  private final RandomGenerator random;
  private final Map<Action, Integer> actions = new EnumMap<>(Action.class);
  private final ProcessorLoad load = new ProcessorLoad();
  private int shutDowns;
  private long computingNanos;
  private long pausingNanos;

  /// A scheduler.
  ///
  /// @param random for what the policy leaves to chance
  public InferenceScheduler(Policy policy, EnergySource source, RandomGenerator random) {
    this.policy = policy;
    this.source = source;
    this.random = random;
  }

  /// Waits until the policy decides to compute, then makes one token.
  ///
  /// @throws IllegalArgumentException if the policy pauses 1,000 times in a row
  public <T> T next(Supplier<T> token) {
    long begin = System.nanoTime();
    awaitDecision();
    long decided = System.nanoTime();
    T made = token.get();
    computingNanos += System.nanoTime() - decided;
    pausingNanos += decided - begin;
    apply(Action.COMPUTE);
    return made;
  }

  private void awaitDecision() {
    for (int pauses = 0; pauses < MOST_PAUSES; pauses++) {
      Action action = policy.choose(source.state(), Integer.MAX_VALUE, random);
      if (action == Action.COMPUTE) {
        return;
      }
      apply(action);
    }
    throw new IllegalArgumentException(
        "the policy paused %d times in a row, last at %s; train it for more `episodes`"
            .formatted(MOST_PAUSES, source.state()));
  }

  private void apply(Action action) {
    actions.merge(action, 1, Integer::sum);
    shutDowns += source.apply(action) ? 1 : 0;
  }

  /// A model whose every [LanguageModel.Session#advance] is one token of this scheduler, that of
  /// the prompt too. Closing it closes the model.
  public LanguageModel schedule(LanguageModel model) {
    return new ScheduledModel(model);
  }

  /// What has happened so far.
  public Report report() {
    return new Report(
        actions,
        shutDowns,
        computingNanos / NANOS,
        pausingNanos / NANOS,
        load.sinceStart(),
        source.state(),
        source.description());
  }

  /// What a scheduler did.
  ///
  /// @param actions how often each was done; a computation is a token
  /// @param shutDowns of the device; a token that was computed nevertheless counts
  /// @param computingSeconds measured on the real runtime
  /// @param pausingSeconds measured between computations
  /// @param processorLoad of all processors since the scheduler was made, measured, 0 to 1
  /// @param state of the energy now
  /// @param source of the state: [EnergySource#description]
  public record Report(
      Map<Action, Integer> actions,
      int shutDowns,
      double computingSeconds,
      double pausingSeconds,
      double processorLoad,
      EnergyState state,
      String source) {

    /// Copies the map.
    public Report {
      actions = Map.copyOf(actions);
    }

    /// How often an action was done.
    public int count(Action action) {
      return actions.getOrDefault(action, 0);
    }
  }

  private final class ScheduledModel implements LanguageModel {
    private final LanguageModel model;

    ScheduledModel(LanguageModel model) {
      this.model = model;
    }

    @Override
    public LlamaConfig config() {
      return model.config();
    }

    @Override
    public String description() {
      return model.description();
    }

    @Override
    public Session begin(int capacity) {
      return new ScheduledSession(model.begin(capacity));
    }

    @Override
    public void close() {
      model.close();
    }
  }

  private final class ScheduledSession implements LanguageModel.Session {
    private final LanguageModel.Session session;

    ScheduledSession(LanguageModel.Session session) {
      this.session = session;
    }

    @Override
    public int length() {
      return session.length();
    }

    @Override
    public float[] advance(int... tokens) {
      return next(() -> session.advance(tokens));
    }

    @Override
    public void close() {
      session.close();
    }
  }
}
