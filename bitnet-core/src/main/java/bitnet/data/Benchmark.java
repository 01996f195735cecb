package bitnet.data;

import bitnet.setting.NamedValues;
import bitnet.storage.ForeignContentException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/// Published sets of mathematical questions, read from a local file in the layout in which they are
/// published. Nothing is downloaded.
public enum Benchmark {
  /// Grade-school word problems, arXiv 2110.14168. The answer is what follows `####`.
  GSM8K(
      "{\"question\": ..., \"answer\": \"... #### 18\"}",
      "https://github.com/openai/grade-school-math, grade_school_math/data/test.jsonl") {
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

  /// Competition problems, arXiv 2103.03874; MATH-500 too. The answer is the field `answer`, else
  /// the last `\boxed{...}` of the solution.
  MATH(
      "{\"problem\": ..., \"solution\": \"... \\\\boxed{7}\", \"answer\"?: ...}",
      "https://huggingface.co/datasets/HuggingFaceH4/MATH-500, test.jsonl") {
    @Override
    QaRecord read(JsonRecord record) throws RecordFault {
      return solved(record, "problem");
    }
  },

  /// Undergraduate science problems, arXiv 2206.14858: with solutions as in [#MATH], or as
  /// questions with their answers.
  MINERVA_MATH(
      "{\"problem\": ..., \"solution\": \"... \\\\boxed{7}\"} or {\"question\": ..., \"answer\": ...}",
      "https://huggingface.co/datasets/math-ai/minervamath, test.jsonl") {
    @Override
    QaRecord read(JsonRecord record) throws RecordFault {
      return solved(record, record.has("problem") ? "problem" : "question");
    }
  },

  /// Olympiad problems, arXiv 2402.14008. Several answers are joined by commas; a context is put
  /// before its question; problems that ask for a proof have no answer and are bad records.
  OLYMPIAD_BENCH(
      "{\"question\": ..., \"final_answer\": [...], \"solution\"?: [...], \"context\"?: ...}",
      "https://huggingface.co/datasets/math-ai/olympiadbench, test.jsonl") {
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
  private final String source;

  Benchmark(String shape, String source) {
    this.shape = shape;
    this.source = source;
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

  /// The name on the command line: `gsm8k`, `math`, `minerva_math`, `olympiad_bench`.
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The benchmark of that name.
  ///
  /// @throws IllegalArgumentException if the name is unknown
  public static Benchmark of(String key) {
    return NamedValues.find(values(), Benchmark::key, key, "benchmark");
  }

  /// Reads a published file: JSONL, or a JSON array.
  ///
  /// @throws IOException naming the path, the layout expected and where to get the set, if it
  ///     does not exist or is not such a file
  /// @throws BadRecordException if, unless these are skipped, a record is not in that layout
  public QaDataset load(Path file, BadRecordPolicy policy) throws IOException {
    if (!Files.exists(file) || Files.isDirectory(file)) {
      String found = Files.exists(file) ? "is a directory" : "no such file";
      throw new IOException("%s: %s; %s".formatted(file, found, expected()));
    }
    try {
      return QaDataset.load(file, policy, shape, this::read);
    } catch (ForeignContentException other) {
      throw new IOException("%s; %s".formatted(other.getMessage(), expected()), other);
    }
  }

  private String expected() {
    return "%s is read from JSONL like %s, available from %s".formatted(key(), shape, source);
  }
}
