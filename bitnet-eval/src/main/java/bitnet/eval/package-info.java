/// Evaluation of models: perplexity, answers, reasoning, multiple choice.
@NullMarked
package bitnet.eval;

import org.jspecify.annotations.NullMarked;
