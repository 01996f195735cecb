package bitnet.data;

import bitnet.setting.NamedValues;
import bitnet.storage.ForeignContentException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Published sets of mathematical questions, in the layout in which they are published: where they
/// are on the Hugging Face hub, and how their records are read.
public enum Benchmark {
  /// Grade-school word problems, arXiv 2110.14168. The answer is what follows `####`.
  GSM8K(
      "{\"question\": ..., \"answer\": \"... #### 18\"}",
      "openai/gsm8k",
      "main/SPLIT-*.parquet",
      "test train") {
    @Override
    QaRecord read(JsonRecord record) throws RecordFault {
      String whole = record.text("answer");
      int mark = whole.lastIndexOf("####");
      if (mark < 0 || whole.substring(mark + 4).isBlank()) {
        throw new RecordFault("the field \"answer\" has no \"#### answer\"", "add it at its end");
      }
      return record(record.text("question"), whole.substring(mark + 4), whole.substring(0, mark));
    }
  },

  /// Competition problems of seven subjects, arXiv 2103.03874. The answer is the field `answer`,
  /// else the last `\boxed{...}` of the solution.
  MATH(
      "{\"problem\": ..., \"solution\": \"... \\\\boxed{7}\", \"answer\"?: ...}",
      "EleutherAI/hendrycks_math", "*/SPLIT-*.parquet", "test train") {
    @Override
    QaRecord read(JsonRecord record) throws RecordFault {
      return solved(record, "problem");
    }
  },

  /// Five hundred of the test problems of [#MATH], arXiv 2305.20050.
  MATH500(
      "{\"problem\": ..., \"solution\": ..., \"answer\": ...}",
      "HuggingFaceH4/MATH-500",
      "SPLIT.jsonl",
      "test") {
    @Override
    QaRecord read(JsonRecord record) throws RecordFault {
      return solved(record, "problem");
    }
  },

  /// Undergraduate science problems, arXiv 2206.14858: with solutions as in [#MATH], or as
  /// questions with their answers.
  MINERVA_MATH(
      "{\"problem\": ..., \"solution\": \"... \\\\boxed{7}\"} or {\"question\": ..., \"answer\":"
          + " ...}",
      "math-ai/minervamath", "SPLIT.jsonl", "test") {
    @Override
    QaRecord read(JsonRecord record) throws RecordFault {
      return solved(record, record.has("problem") ? "problem" : "question");
    }
  },

  /// Olympiad problems, arXiv 2402.14008. Several answers are joined by commas; a context is put
  /// before its question; problems that ask for a proof have no answer and are bad records.
  OLYMPIAD_BENCH(
      "{\"question\": ..., \"final_answer\": [...], \"solution\"?: [...], \"context\"?: ...}",
      "math-ai/olympiadbench",
      "SPLIT.jsonl",
      "test") {
    @Override
    QaRecord read(JsonRecord record) throws RecordFault {
      String context = record.optionalText("context").map(text -> text + "\n").orElse("");
      return record(
          context + record.text("question"),
          record.joinedText("final_answer", ", "),
          record.has("solution") ? record.joinedText("solution", "\n") : "");
    }
  };

  private final String shape;
  private final String repository;
  private final String files;
  private final String splits; // separated by spaces

  Benchmark(String shape, String repository, String files, String splits) {
    this.shape = shape;
    this.repository = repository;
    this.files = files;
    this.splits = splits;
  }

  abstract QaRecord read(JsonRecord record) throws RecordFault;

  private static QaRecord solved(JsonRecord record, String question) throws RecordFault {
    Optional<String> solution = record.optionalText("solution");
    Optional<String> answer = record.optionalText("answer");
    if (answer.isEmpty()) {
      answer = BoxedAnswer.last(record.text("solution")).filter(boxed -> !boxed.isBlank());
    }
    return record(
        record.text(question),
        answer.orElseThrow(
            () ->
                new RecordFault(
                    "the field \"solution\" has no \\boxed{...}", "add a field \"answer\"")),
        solution.orElse(""));
  }

  private static QaRecord record(String query, String answer, String reasoning) {
    return new QaRecord(
        query.strip(),
        answer.strip(),
        Optional.of(reasoning.strip()).filter(text -> !text.isEmpty()));
  }

  /// The dataset on the Hugging Face hub: `ORG/NAME`.
  public String repository() {
    return repository;
  }

  /// The splits that are on the hub, the one that is evaluated on first.
  public List<String> splits() {
    return List.of(splits.split(" ", -1));
  }

  /// The files of a split on the hub: a pattern that [DataFiles] reads, and in which `*` is any
  /// part of a name.
  ///
  /// @throws IllegalArgumentException if there is no such split
  public String files(String split) {
    if (!splits().contains(split)) {
      throw new IllegalArgumentException(
          "split \"%s\" of %s does not exist; use %s"
              .formatted(split, key(), String.join(" or ", splits())));
    }
    return files.replace("SPLIT", split);
  }

  /// The name on the command line: `gsm8k`, `math`, `math500`, `minerva_math`, `olympiad_bench`.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The benchmark of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static Benchmark of(String key) {
    return NamedValues.find(values(), Benchmark::key, key, "benchmark");
  }

  /// Reads published files: JSONL, a JSON array, or what a decoder reads as JSON lines.
  ///
  /// @throws IOException naming the path, the layout expected and where to get the set, if it
  ///     does not exist or is not such a file
  /// @throws BadRecordException if, unless these are skipped, a record is not in that layout
  public QaDataset load(Path file, BadRecordPolicy policy) throws IOException {
    try {
      return QaDataset.load(file, policy, shape, this::read);
    } catch (NoSuchFileException missing) {
      throw new IOException("%s: no such file; %s".formatted(file, expected()), missing);
    } catch (ForeignContentException other) {
      throw new IOException("%s; %s".formatted(other.getMessage(), expected()), other);
    }
  }

  private String expected() {
    return "%s is read from JSONL or Parquet like %s; leave `dataset` out to download it from %s"
        .formatted(key(), shape, "https://huggingface.co/datasets/" + repository);
  }
}
