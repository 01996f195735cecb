package bitnet.spark;

import bitnet.data.DocumentReader;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;

/// Reads some files of a corpus from end to end, so that what is wrong with them is told before
/// anything is computed.
///
/// @param reader of documents
/// @param output the directory that is going to be written, which must be seen as well
record ScanTask(DocumentReader reader, ArrayList<CorpusFile> files, String output)
    implements ClusterTask<ScanTask.Result> {
  private static final int REASONS_KEPT = 5;

  /// What is in the files.
  ///
  /// @param documents that can be used
  /// @param bytes of them
  /// @param skipped bad records
  /// @param firstReasons why, for the first few
  record Result(long documents, long bytes, long skipped, ArrayList<String> firstReasons)
      implements Serializable {

    static Result none() {
      return new Result(0, 0, 0, new ArrayList<>());
    }

    Result plus(Result more) {
      ArrayList<String> reasons = new ArrayList<>(firstReasons);
      more.firstReasons.stream()
          .limit(Math.max(0, REASONS_KEPT - reasons.size()))
          .forEach(reasons::add);
      return new Result(
          documents + more.documents, bytes + more.bytes, skipped + more.skipped, reasons);
    }
  }

  @Override
  public Result run() throws IOException {
    if (!Files.isDirectory(Path.of(output))) {
      throw refusal(new NoSuchFileException(output));
    }
    Result result = Result.none();
    for (CorpusFile file : files) {
      result = result.plus(scan(file));
    }
    return result;
  }

  private Result scan(CorpusFile file) throws TaskRefusal {
    try {
      return file.read(
          path -> {
            DocumentReader.Report report = reader.read(path, text -> {});
            ArrayList<String> reasons = new ArrayList<>();
            report
                .firstReasons()
                .forEach(reason -> reasons.add(reason.replace(path.toString(), file.path())));
            return new Result(report.documents(), report.bytes(), report.skipped(), reasons);
          });
    } catch (NoSuchFileException | AccessDeniedException unseen) {
      throw refusal(unseen);
    } catch (IOException | IllegalArgumentException failure) {
      throw new TaskRefusal(Failures.reason(failure));
    }
  }

  /// What an executor says that does not see a file of the driver.
  static TaskRefusal refusal(IOException unseen) {
    return new TaskRefusal(
        "%s: %s; executors need the files at the same paths as the driver"
            .formatted(ExecutorModels.executor(), Failures.reason(unseen)));
  }
}
