/// The LLaMA decoder on DJL tensors with written-out gradients, and the devices it runs on: what
/// training and a GPU compute with. No package below training uses DJL tensors but this one.
@NullMarked
package bitnet.graph;

import org.jspecify.annotations.NullMarked;
