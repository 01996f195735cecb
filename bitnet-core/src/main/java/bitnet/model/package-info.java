/// What a LLaMA with ternary linear layers is, without an engine: dimensions, parameters, the
/// interfaces through which weights are read, and the interface through which a model is run.
@NullMarked
package bitnet.model;

import org.jspecify.annotations.NullMarked;
