/// Text from a model: samplers, the generators of one text and of many, conversations.
@NullMarked
package bitnet.generation;

import org.jspecify.annotations.NullMarked;
