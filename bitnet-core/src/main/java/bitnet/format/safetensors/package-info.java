/// The safetensors container: files, headers, shards. It does not know what a LLaMA is. Internal:
/// public for the packages of this library, without a promise of stability.
@NullMarked
package bitnet.format.safetensors;

import org.jspecify.annotations.NullMarked;
