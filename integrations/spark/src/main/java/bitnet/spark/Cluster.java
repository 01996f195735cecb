package bitnet.spark;

import bitnet.storage.Directories;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorAdded;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.jspecify.annotations.Nullable;
import scala.Function1;
import scala.Function2;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.BoxedUnit;

/// A connection to Spark: runs tasks and hands on their results in order. Lost executors are named;
/// Spark runs their tasks again.
final class Cluster implements AutoCloseable {
  private static final String EXECUTOR_FLAGS =
      "--add-exports=java.base/jdk.internal.module=ALL-UNNAMED -XX:+UseSerialGC"
          + " -Dai.djl.offline=true";

  private static final Duration EXECUTOR_WAIT = Duration.ofMinutes(2);
  private static final Duration EXECUTOR_POLL = Duration.ofMillis(50);

  private static final Pattern LOST_TASK =
      Pattern.compile(
          "Task \\d+ in stage [\\d.]+ failed \\d+ times, most recent failure: Lost task \\S+ in"
              + " stage \\S+ \\(TID \\d+\\) \\((\\S+) executor (\\S+)\\):"
              + " (?:[\\w.$]+(?:Exception|Error|Failure): )*(.*)");

  private final Master master;
  private final JavaSparkContext context;
  private final Path scratch;
  private final Duration startUp;

  private Cluster(Master master, JavaSparkContext context, Path scratch, Duration startUp) {
    this.master = master;
    this.context = context;
    this.scratch = scratch;
    this.startUp = startUp;
  }

  /// Connects.
  ///
  /// @param name of the application, for Spark's pages
  /// @param say hears of executors that come and go
  /// @throws IOException if nobody answers
  static Cluster connect(ClusterOptions options, String name, Consumer<String> say)
      throws IOException {
    Master master = options.master();
    Map<String, String> settings = options.settings();
    master.requireReachable();
    long start = System.nanoTime();
    Path scratch = Files.createTempDirectory("bitnet-spark-");
    try {
      SparkConf conf = conf(master, settings, scratch).setAppName("bitnet " + name);
      JavaSparkContext context = new JavaSparkContext(conf);
      context.sc().addSparkListener(new Executors(context, say));
      awaitExecutor(master, context);
      return new Cluster(master, context, scratch, Duration.ofNanos(System.nanoTime() - start));
    } catch (RuntimeException failure) {
      Directories.deleteTree(scratch);
      throw new IOException(
          "Spark cannot start at %s: %s".formatted(master.url(), firstLine(failure)), failure);
    }
  }

  /// Without an executor tasks would wait for ever.
  private static void awaitExecutor(Master master, JavaSparkContext context) throws IOException {
    long end = System.nanoTime() + EXECUTOR_WAIT.toNanos();
    while (!master.isThisJvm() && context.sc().statusTracker().getExecutorInfos().length < 2) {
      if (System.nanoTime() > end) {
        context.close();
        throw new IOException(
            "%s has started no executor within %d s; give it free workers, or ask for less with --conf spark.executor.memory=1g --conf spark.executor.cores=1"
                .formatted(master.url(), EXECUTOR_WAIT.toSeconds()));
      }
      try {
        Thread.sleep(EXECUTOR_POLL);
      } catch (InterruptedException interruption) {
        Thread.currentThread().interrupt();
        context.close();
        throw new IOException("interrupted while executors started", interruption);
      }
    }
  }

  /// What the user sets wins, then what spark-submit sets, then this.
  private static SparkConf conf(Master master, Map<String, String> settings, Path scratch) {
    SparkConf conf = new SparkConf(); // with the system properties that begin with spark.
    settings.forEach(conf::set);
    conf.set("spark.master", master.url());
    conf.setIfMissing("spark.ui.enabled", "false"); // its libraries are left out
    conf.setIfMissing("spark.ui.showConsoleProgress", "false");
    conf.setIfMissing("spark.local.dir", scratch.toString());
    conf.setIfMissing("spark.driver.maxResultSize", "1g");
    conf.setIfMissing("spark.speculation", "false");
    conf.setIfMissing("spark.executor.heartbeatInterval", "10s");
    if (master.isThisMachine()) {
      conf.setIfMissing("spark.driver.host", "127.0.0.1");
      conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
    }
    if (!master.workerMegabytes().isEmpty()) {
      conf.setIfMissing("spark.executor.memory", master.workerMegabytes() + "m");
    }
    if (!master.isThisJvm() && System.getProperty("spark.submit.deployMode") == null) {
      conf.setIfMissing("spark.executor.extraClassPath", absoluteClassPath());
    }
    String flags = conf.get("spark.executor.extraJavaOptions", "");
    conf.set("spark.executor.extraJavaOptions", (flags + " " + EXECUTOR_FLAGS).strip());
    return conf;
  }

  /// Executors work in directories of their own.
  private static String absoluteClassPath() {
    return Arrays.stream(System.getProperty("java.class.path").split(":"))
        .map(entry -> Path.of(entry).toAbsolutePath().toString())
        .collect(Collectors.joining(":"));
  }

  /// How long it took to connect.
  Duration startUp() {
    return startUp;
  }

  /// Whether tasks run in this JVM.
  boolean isThisJvm() {
    return master.isThisJvm();
  }

  /// The executors that are there.
  int executors() {
    int withDriver = context.sc().statusTracker().getExecutorInfos().length;
    return isThisJvm() ? 1 : Math.max(1, withDriver - 1);
  }

  /// Spark's context, for work with RDDs.
  JavaSparkContext context() {
    return context;
  }

  /// Computes a small RDD and returns its elements.
  ///
  /// @throws IOException if a task has failed too often
  <R> List<R> collect(JavaRDD<R> results) throws IOException {
    try {
      return results.collect();
    } catch (Exception failure) { // Spark's exceptions are checked, but not declared
      throw failure(failure);
    }
  }

  /// Computes an RDD and hands its elements on; the driver holds one partition at a time.
  ///
  /// @throws IOException if a task has failed too often
  <R> void forEach(JavaRDD<R> results, Consumer<R> consumer) throws IOException {
    try {
      results.toLocalIterator().forEachRemaining(consumer);
    } catch (Exception failure) { // Spark's exceptions are checked, but not declared
      throw failure(failure);
    }
  }

  /// Hears of results.
  ///
  /// @param <R> a result
  @FunctionalInterface
  interface ResultListener<R> {
    /// A task has ended, and so have all before it.
    void ended(R result) throws IOException;
  }

  /// What a task made of itself.
  ///
  /// @param result null where it refused
  /// @param refusal "" where it did not
  private record Outcome<R extends Serializable>(@Nullable R result, String refusal)
      implements Serializable {

    static <R extends Serializable> Outcome<R> of(ClusterTask<R> task) throws IOException {
      try {
        return new Outcome<>(task.run(), "");
      } catch (TaskRefusal refusal) {
        return new Outcome<>(null, String.valueOf(refusal.getMessage()));
      }
    }
  }

  /// A message of the job to the thread that waits for it.
  private sealed interface Message<R extends Serializable> {
    record Ended<R extends Serializable>(int task, Outcome<R> outcome) implements Message<R> {}

    record Failed<R extends Serializable>(Throwable failure) implements Message<R> {}
  }

  /// Runs tasks, as many at a time as there are cores.
  ///
  /// @param listener hears of every result in the order of the tasks, on this thread
  /// @throws TaskRefusal if a task refuses
  /// @throws IOException if a task has failed too often
  <R extends Serializable> void run(
      List<? extends ClusterTask<R>> tasks, ResultListener<R> listener) throws IOException {
    BlockingQueue<Message<R>> messages = new LinkedBlockingQueue<>();
    Thread.ofVirtual().start(() -> submit(List.<ClusterTask<R>>copyOf(tasks), messages));
    TreeMap<Integer, R> early = new TreeMap<>();
    int next = 0;
    while (next < tasks.size()) {
      switch (take(messages)) {
        case Message.Failed<R> failed -> throw failure(failed.failure());
        case Message.Ended<R> ended -> {
          R result = ended.outcome().result();
          if (result == null) {
            context.sc().cancelAllJobs();
            throw new TaskRefusal(ended.outcome().refusal());
          }
          early.put(ended.task(), result);
        }
      }
      for (R due = early.remove(next); due != null; due = early.remove(next)) {
        next++;
        listener.ended(due);
      }
    }
  }

  /// Broadcasts a value: an executor fetches it when a task first reads it. Its owner
  /// destroys it when no task reads it any more; what is left ends with the cluster.
  <T> Broadcast<T> broadcast(T value) {
    return context.broadcast(value);
  }

  private static <M> M take(BlockingQueue<M> messages) throws IOException {
    try {
      return messages.take();
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while tasks ran on the cluster", interruption);
    }
  }

  /// Runs the job; results come from Spark's scheduler, whose thread must not wait.
  private <R extends Serializable> void submit(
      List<ClusterTask<R>> tasks, BlockingQueue<Message<R>> messages) {
    Function1<Iterator<ClusterTask<R>>, Outcome<R>> work =
        (Function1<Iterator<ClusterTask<R>>, Outcome<R>> & Serializable)
            partition -> outcome(partition.next());
    Function2<Object, Outcome<R>, BoxedUnit> handler =
        (task, outcome) -> {
          messages.add(new Message.Ended<>((Integer) task, outcome));
          return BoxedUnit.UNIT;
        };
    Seq<Object> partitions =
        CollectionConverters.asScala(
                IntStream.range(0, tasks.size()).<Object>mapToObj(Integer::valueOf).toList())
            .toSeq();
    try {
      context
          .sc()
          .submitJob(
              context.parallelize(tasks, tasks.size()).rdd(),
              work,
              partitions,
              handler,
              () -> BoxedUnit.UNIT)
          .get();
    } catch (Exception failure) { // whatever Spark throws belongs to the thread that waits
      messages.add(new Message.Failed<>(failure));
    }
  }

  private static <R extends Serializable> Outcome<R> outcome(ClusterTask<R> task) {
    try {
      return Outcome.of(task);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static IOException failure(Throwable failure) {
    Throwable cause = failure;
    while (!(cause instanceof SparkException) && cause.getCause() != null) {
      cause = cause.getCause();
    }
    String reason = firstLine(cause).replaceFirst("^Job aborted due to stage failure: ", "");
    return new IOException("the cluster gave up: " + shortened(reason), failure);
  }

  /// What a task threw, without the numbers and classes that Spark puts in front of it.
  static String shortened(String reason) {
    Matcher lost = LOST_TASK.matcher(reason);
    return lost.matches()
        ? "%s (%s, executor %s)".formatted(lost.group(3), lost.group(1), lost.group(2))
        : reason;
  }

  private static String firstLine(Throwable failure) {
    return String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
  }

  /// Names executors that come and go.
  private static final class Executors extends SparkListener {
    private final JavaSparkContext context;
    private final Consumer<String> say;

    Executors(JavaSparkContext context, Consumer<String> say) {
      this.context = context;
      this.say = say;
    }

    @Override
    public void onExecutorAdded(SparkListenerExecutorAdded added) {
      String log =
          CollectionConverters.asJava(added.executorInfo().logUrlMap()).getOrDefault("stderr", "");
      say.accept(
          "executor %s on %s, %d cores%s"
              .formatted(
                  added.executorId(),
                  added.executorInfo().executorHost(),
                  added.executorInfo().totalCores(),
                  log.isEmpty() ? "" : "; its log: " + log));
    }

    @Override
    public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
      if (!context.sc().isStopped()) {
        say.accept(
            "executor %s was lost (%s); its tasks run again on another"
                .formatted(removed.executorId(), removed.reason().lines().findFirst().orElse("")));
      }
    }
  }

  @Override
  public void close() throws IOException {
    try {
      context.close();
    } finally {
      Directories.deleteTree(scratch);
    }
  }
}
