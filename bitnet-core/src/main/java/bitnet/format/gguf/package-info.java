/// The GGUF container: header, metadata, block types. It does not know what a LLaMA is. Internal:
/// public for the packages of this library, without a promise of stability.
@NullMarked
package bitnet.format.gguf;

import org.jspecify.annotations.NullMarked;
