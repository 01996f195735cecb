package bitnet.checkpoint;

import bitnet.format.CheckpointException;
import bitnet.format.JsonFields;
import bitnet.format.JsonFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.TreeSet;

/// How a model's authors want its text drawn: `generation_config.json`, and the special tokens of
/// `config.json`. What neither says is absent.
///
/// @param sample `do_sample`: draw tokens, or take the most probable
/// @param temperature above 0
/// @param topK draw from the k most probable tokens; 0 means all
/// @param topP draw from the tokens that together have this probability
/// @param beginTokens `bos_token_id`: none or one
/// @param endTokens `eos_token_id` of both files, in ascending order
public record GenerationConfig(
    Optional<Boolean> sample,
    OptionalDouble temperature,
    OptionalInt topK,
    OptionalDouble topP,
    List<Integer> beginTokens,
    List<Integer> endTokens) {
  static final String NAME = "generation_config.json";
  private static final long LARGEST = 16 << 20;

  /// Copies the lists.
  public GenerationConfig {
    beginTokens = List.copyOf(beginTokens);
    endTokens = List.copyOf(endTokens);
  }

  /// Nothing but the tokens around a text.
  static GenerationConfig of(OptionalInt begin, OptionalInt end) {
    return new GenerationConfig(
        Optional.empty(),
        OptionalDouble.empty(),
        OptionalInt.empty(),
        OptionalDouble.empty(),
        begin.stream().boxed().toList(),
        end.stream().boxed().toList());
  }

  /// Reads the files of a directory, either of which may be absent.
  ///
  /// @throws CheckpointException naming file, field, value and rule
  static GenerationConfig read(Path directory) throws IOException {
    List<Integer> begin = new ArrayList<>();
    TreeSet<Integer> end = new TreeSet<>();
    JsonFields own = new JsonFields(directory, "", JsonFile.MAPPER.createObjectNode());
    for (String name : List.of(NAME, ConfigJson.NAME)) {
      Path file = directory.resolve(name);
      if (Files.exists(file)) {
        JsonFields fields = new JsonFields(file, "", JsonFile.read(file, LARGEST));
        begin.addAll(fields.integers("bos_token_id"));
        end.addAll(fields.integers("eos_token_id"));
        own = name.equals(NAME) ? fields : own;
      }
    }
    return new GenerationConfig(
        own.has("do_sample") ? Optional.of(own.flag("do_sample", false)) : Optional.empty(),
        temperature(own),
        own.has("top_k")
            ? OptionalInt.of(own.integer("top_k", 0, Integer.MAX_VALUE))
            : OptionalInt.empty(),
        probability(own),
        begin.stream().limit(1).toList(),
        List.copyOf(end));
  }

  private static OptionalDouble temperature(JsonFields fields) throws CheckpointException {
    if (!fields.has("temperature")) {
      return OptionalDouble.empty();
    }
    double value = fields.number("temperature", 1);
    if (value < 0) {
      throw fields.fault("temperature", "it must be at least 0");
    }
    return OptionalDouble.of(value);
  }

  private static OptionalDouble probability(JsonFields fields) throws CheckpointException {
    if (!fields.has("top_p")) {
      return OptionalDouble.empty();
    }
    double value = fields.number("top_p", 1);
    if (!(value >= 0 && value <= 1)) {
      throw fields.fault("top_p", "it must be from 0 to 1");
    }
    return OptionalDouble.of(value);
  }
}
