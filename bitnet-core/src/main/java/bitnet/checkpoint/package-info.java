/// Models and training states in files: what a LLaMA is in a model directory, a Hugging Face
/// directory and a GGUF file.
@NullMarked
package bitnet.checkpoint;

import org.jspecify.annotations.NullMarked;
