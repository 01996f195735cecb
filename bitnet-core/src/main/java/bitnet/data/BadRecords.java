package bitnet.data;

import bitnet.storage.PrintableText;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// What becomes of the records of a dataset that cannot be used: stops at the first, or counts
/// them.
final class BadRecords {
  private static final int REASONS_KEPT = 5;

  private final Path dataset;
  private final BadRecordPolicy policy;
  private final List<String> reasons = new ArrayList<>();
  private Path file;
  private long skipped;

  /// @param dataset a file, or what [DataFiles] takes several from
  BadRecords(Path dataset, BadRecordPolicy policy) {
    this.dataset = dataset;
    this.file = dataset;
    this.policy = policy;
  }

  /// The file whose records come next.
  void enter(Path next) {
    file = next;
  }

  /// A record that cannot be used.
  ///
  /// @param line counted from 1
  /// @throws BadRecordException unless bad records are skipped
  void add(long line, String reason, String remedy) throws BadRecordException {
    if (policy == BadRecordPolicy.STOP) {
      throw new BadRecordException(
          "%s:%d: %s; %s, or leave such records out with on_bad_record skip"
              .formatted(file, line, PrintableText.escape(reason), PrintableText.escape(remedy)));
    }
    skipped++;
    if (reasons.size() < REASONS_KEPT) {
      reasons.add("%s:%d: %s".formatted(file, line, PrintableText.escape(reason)));
    }
  }

  /// Something after which the rest of the file cannot be read, whatever the policy.
  BadRecordException unreadable(long line, String reason, String remedy) {
    return new BadRecordException(
        "%s:%d: %s; %s".formatted(file, line, PrintableText.escape(reason), remedy));
  }

  /// A dataset without anything that can be used.
  ///
  /// @param example what it should hold
  BadRecordException nothing(String example, String remedy) {
    return new BadRecordException(
        "%s holds no %s%s; %s"
            .formatted(
                dataset,
                example,
                skipped == 0
                    ? ""
                    : " that can be used, all %d are bad, the first: %s"
                        .formatted(skipped, reasons.getFirst()),
                remedy));
  }

  /// How many were left out.
  long skipped() {
    return skipped;
  }

  /// Why, for the first few: `file:line: reason`.
  List<String> firstReasons() {
    return List.copyOf(reasons);
  }
}
