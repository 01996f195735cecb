/// The model on packed ternary weights with int8 activations and a cache of keys and values: what
/// generates. It computes the same function as the graph of `bitnet.graph`, without gradients.
@NullMarked
package bitnet.runtime;

import org.jspecify.annotations.NullMarked;
