package bitnet.graph;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Logits that another program computed, to compare a model with.
///
/// @param sequences what was computed, at least one
public record ReferenceLogits(List<Sequence> sequences) {
  private static final long LARGEST = 1L << 30;

  /// One text and its logits.
  ///
  /// @param ids the tokens
  /// @param logits `[position][vocab]`
  public record Sequence(int[] ids, float[][] logits) {}

  /// How far a model is from the reference.
  ///
  /// @param greatest the greatest absolute difference of two logits
  /// @param sequence where it is
  /// @param position where it is
  /// @param token where it is
  /// @param positions how many were compared
  /// @param sameBest at how many of them both find the same token most probable
  public record Difference(
      double greatest, int sequence, int position, int token, int positions, int sameBest) {}

  /// Copies the list.
  public ReferenceLogits {
    sequences = List.copyOf(sequences);
  }

  /// Reads `{"ids": [...], "logits": [[...], ...]}`, as one sequence, or with one dimension more as
  /// several; `input_ids` is accepted for `ids`.
  ///
  /// @throws IOException if the file is not such JSON: the file, the reason, the remedy
  public static ReferenceLogits read(Path file) throws IOException {
    if (Files.exists(file) && Files.size(file) > LARGEST) {
      throw new IOException(
          "%s: has %d bytes; at most %d are read, use fewer tokens"
              .formatted(file, Files.size(file), LARGEST));
    }
    JsonNode root = parse(file);
    JsonNode ids = root.has("ids") ? root.path("ids") : root.path("input_ids");
    JsonNode logits = root.path("logits");
    List<Sequence> sequences = new ArrayList<>();
    if (ids.path(0).isArray()) {
      for (int i = 0; i < ids.size(); i++) {
        sequences.add(sequence(file, ids.path(i), logits.path(i)));
      }
    } else {
      sequences.add(sequence(file, ids, logits));
    }
    return new ReferenceLogits(sequences);
  }

  private static JsonNode parse(Path file) throws IOException {
    try {
      return new ObjectMapper().readTree(Files.readAllBytes(file));
    } catch (JacksonException damage) {
      throw new IOException(
          "%s: not valid JSON: %s".formatted(file, damage.getOriginalMessage()), damage);
    }
  }

  private static Sequence sequence(Path file, JsonNode ids, JsonNode logits) throws IOException {
    int[] tokens = new int[ids.size()];
    float[][] rows = new float[ids.size()][];
    boolean valid = ids.isArray() && !ids.isEmpty() && logits.size() == ids.size();
    for (int i = 0; valid && i < tokens.length; i++) {
      valid = ids.path(i).isInt() && !logits.path(i).isEmpty();
      tokens[i] = ids.path(i).asInt();
      rows[i] = new float[logits.path(i).size()];
      for (int j = 0; valid && j < rows[i].length; j++) {
        valid = logits.path(i).path(j).isNumber();
        rows[i][j] = logits.path(i).path(j).floatValue();
      }
    }
    if (!valid) {
      throw new IOException(
          file
              + ": is not a reference file; it must be {\"ids\": [1, 2], \"logits\": [[...], [...]]} with a"
              + " row of logits for each id");
    }
    return new Sequence(tokens, rows);
  }

  /// Computes every sequence.
  ///
  /// @throws IllegalArgumentException if the reference has another vocabulary than the model, or a
  ///     sequence does not fit it
  public Difference compare(GraphLanguageModel model) {
    Difference worst = new Difference(0, 0, 0, 0, 0, 0);
    for (int s = 0; s < sequences.size(); s++) {
      Sequence sequence = sequences.get(s);
      float[][] logits = model.logits(sequence.ids());
      for (int position = 0; position < logits.length; position++) {
        float[] ours = logits[position];
        float[] theirs = sequence.logits()[position];
        if (ours.length != theirs.length) {
          throw new IllegalArgumentException(
              "the reference has %d logits a position but the model has %d; it is another model's"
                  .formatted(theirs.length, ours.length));
        }
        worst = worse(worst, s, position, ours, theirs);
      }
    }
    return worst;
  }

  private static Difference worse(
      Difference worst, int sequence, int position, float[] ours, float[] theirs) {
    double greatest = worst.greatest();
    int at = -1;
    for (int token = 0; token < ours.length; token++) {
      double difference = Math.abs((double) ours[token] - theirs[token]);
      if (!(difference <= greatest)) { // a NaN is the greatest
        greatest = difference;
        at = token;
      }
    }
    int same = worst.sameBest() + (best(ours) == best(theirs) ? 1 : 0);
    int positions = worst.positions() + 1;
    return at < 0
        ? new Difference(
            greatest, worst.sequence(), worst.position(), worst.token(), positions, same)
        : new Difference(greatest, sequence, position, at, positions, same);
  }

  private static int best(float[] logits) {
    int best = 0;
    for (int token = 1; token < logits.length; token++) {
      best = logits[token] > logits[best] ? token : best;
    }
    return best;
  }
}
