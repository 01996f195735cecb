package bitnet.eval;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/// One evaluated completion.
///
/// @param text what the model wrote
/// @param finish why it ended: `eos`, `stop`, `length`, `context`, or `prompt_too_long` where the
///     prompt did not fit the context and nothing was written
/// @param tokens how many were drawn
/// @param right whether the final answer is the reference
/// @param f1 word overlap of the answer with the reference, 0 to 1
/// @param thinkF1 the same of the reasoning; null unless reasoning is evaluated and the record has
///     one
/// @param stepCorrectness share of the reference's steps that were found in the reasoning, 0 to
///     1; null as above
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ScoredCompletion(
    String text,
    String finish,
    int tokens,
    boolean right,
    double f1,
    @Nullable Double thinkF1,
    @Nullable Double stepCorrectness) {
  static final String TOO_LONG = "prompt_too_long";
  static final String CUT = "length";

  /// The same answer as the correction of itself, whose prompt did not fit the context.
  ScoredCompletion unread() {
    return new ScoredCompletion(text, TOO_LONG, 0, right, f1, thinkF1, stepCorrectness);
  }
}
