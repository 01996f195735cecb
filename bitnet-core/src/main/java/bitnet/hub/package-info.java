/// Models of a Hugging Face hub: their names, their download, and the cache that is shared with
/// `huggingface_hub`.
@NullMarked
package bitnet.hub;

import org.jspecify.annotations.NullMarked;
