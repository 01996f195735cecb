package bitnet.spark;

import bitnet.tokenizer.WordCounts;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

/// Reads a text file from end to end, so that what is wrong with it is told before any word is
/// counted. The result is its size in bytes.
record TextSizeTask(CorpusFile file) implements ClusterTask<Long> {

  @Override
  public Long run() throws IOException {
    try {
      return file.read(path -> WordCounts.readThrough(path));
    } catch (NoSuchFileException | AccessDeniedException unseen) {
      throw ScanTask.refusal(unseen);
    } catch (IOException failure) {
      throw new TaskRefusal(Failures.reason(failure));
    }
  }
}
