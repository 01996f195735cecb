package bitnet.grpo;

import bitnet.data.QaRecord;
import bitnet.data.QaTemplate;
import bitnet.generation.SamplingSettings;
import java.util.List;

/// Completions that are asked for. Jackson writes and reads it.
///
/// @param prompts what to complete
/// @param samples completions of each prompt
/// @param maxLength maximum number of tokens of a completion
/// @param sampling how tokens are drawn
/// @param firstSequence number of the first completion, which selects its random
///     numbers: completion j of prompt i has `firstSequence + i * samples + j`
public record RolloutRequest(
    List<Prompt> prompts,
    int samples,
    int maxLength,
    SamplingSettings sampling,
    long firstSequence) {

  /// A prompt, and what its completions are scored by.
  ///
  /// @param text that is completed
  /// @param query of the dataset
  /// @param reference the right answer
  public record Prompt(String text, String query, String reference) {}

  /// Copies the list.
  public RolloutRequest {
    prompts = List.copyOf(prompts);
  }

  /// Asks for answers to the questions of records.
  ///
  /// @param draw selects the random numbers
  public static RolloutRequest of(
      List<QaRecord> records,
      int samples,
      int maxLength,
      SamplingSettings sampling,
      RolloutSampler.Draw draw) {
    List<Prompt> prompts =
        records.stream()
            .map(
                record ->
                    new Prompt(QaTemplate.prompt(record.query()), record.query(), record.answer()))
            .toList();
    return new RolloutRequest(prompts, samples, maxLength, sampling, draw.firstSequence());
  }

  /// Asks for the completions of some of the prompts: the same as when all are asked for.
  ///
  /// @param from the first prompt
  /// @param to the prompt after the last
  public RolloutRequest part(int from, int to) {
    return new RolloutRequest(
        prompts.subList(from, to),
        samples,
        maxLength,
        sampling,
        firstSequence + (long) from * samples);
  }
}
