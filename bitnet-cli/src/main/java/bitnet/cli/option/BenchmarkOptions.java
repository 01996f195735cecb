package bitnet.cli.option;

import bitnet.cli.output.DownloadOutput;
import bitnet.cli.output.StandardStreams;
import bitnet.data.Benchmark;
import bitnet.hub.HubClient;
import bitnet.hub.HubEnvironment;
import bitnet.hub.HubName;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Published questions, downloaded from the hub or in files of the user.
public final class BenchmarkOptions {
  private static final String BENCHMARK = "--benchmark";
  private static final String SPLIT = "--split";

  /// Their names.
  public static final List<String> NAMES = List.of(BENCHMARK, SPLIT);

  @Option(
      names = BENCHMARK,
      paramLabel = "B",
      description =
          "A published set: gsm8k, math, math500, minerva_math or olympiad_bench. Without --dataset"
              + " it is downloaded from the Hugging Face hub; with it, --dataset is read in its"
              + " format.")
  private @Nullable String benchmark;

  @Option(
      names = SPLIT,
      paramLabel = "S",
      description =
          "Split of the --benchmark to download: test, or for gsm8k and math also train (default:"
              + " test; train-grpo: train).")
  private @Nullable String split;

  private BenchmarkOptions() {}

  /// The set whose format the questions have, or null for this toolkit's own.
  ///
  /// @throws IllegalArgumentException if its name is unknown
  public @Nullable Benchmark benchmark() {
    return benchmark == null ? null : Benchmark.of(benchmark);
  }

  /// Where the questions are: the dataset, or, without one, the benchmark after its download.
  ///
  /// @param usual split, if none is chosen
  /// @throws IllegalArgumentException if neither a dataset nor a benchmark is given, or if the
  ///     benchmark has no such split
  /// @throws IOException if the hub refuses it
  public Path path(@Nullable Path dataset, String usual) throws IOException {
    Benchmark set = benchmark();
    if (dataset != null) {
      if (split != null) {
        throw new IllegalArgumentException(
            SPLIT + " has no effect with --dataset, which names the files; leave one of them out");
      }
      return dataset;
    }
    if (set == null) {
      throw new IllegalArgumentException(
          "no questions are named; give --dataset FILE, or %s NAME to download a published set"
              .formatted(BENCHMARK));
    }
    return download(set, split == null ? usual : split);
  }

  /// What output calls the questions: the dataset, or the benchmark with its split.
  public String label(@Nullable Path dataset, String usual) {
    return dataset != null ? dataset.toString() : benchmark + " " + (split == null ? usual : split);
  }

  private static Path download(Benchmark benchmark, String split) throws IOException {
    String files = benchmark.files(split);
    PathMatcher wanted = FileSystems.getDefault().getPathMatcher("glob:" + files);
    HubEnvironment environment = new HubEnvironment(System.getenv());
    try (DownloadOutput output = new DownloadOutput(StandardStreams.err())) {
      Path snapshot =
          new HubClient(environment, output)
              .snapshot(
                  HubName.dataset(benchmark.repository()), file -> wanted.matches(Path.of(file)));
      return snapshot.resolve(files);
    }
  }
}
